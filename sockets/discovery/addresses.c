#include "addresses.h"

#include <stdio.h>
#include <stdlib.h>

/* A number of at most `most` without sign or leading zeros (inet_aton would take those as octal): its characters, or 0. */
static size_t number(const char *text, size_t length, unsigned int most, unsigned int *value)
{
	size_t n = 0;

	*value = 0;
	while (n < length && n < 3 && text[n] >= '0' && text[n] <= '9')
		*value = *value * 10 + (unsigned int)(text[n++] - '0');
	if (*value > most || (n > 1 && text[0] == '0'))
		return 0;
	return n;
}

/* Of one host that others can send to. */
static bool is_host(uint32_t address)
{
	uint32_t first = address >> 24;

	return first != 0 && first != 127 && first < 224;
}

bool address_parse(const char *text, size_t length, uint32_t *address)
{
	size_t at = 0;

	*address = 0;
	for (int part = 0; part < 4; part++) {
		unsigned int value;
		size_t n;

		if (part && (at == length || text[at++] != '.'))
			return false;
		n = number(text + at, length - at, 255, &value);
		if (!n)
			return false;
		at += n;
		*address = *address << 8 | value;
	}
	if (at < length && text[at] == '/') {
		unsigned int prefix;
		size_t n = number(text + at + 1, length - at - 1, 32, &prefix);

		if (!n)
			return false;
		at += 1 + n;
	}
	return at == length && is_host(*address);
}

bool addresses_have(const struct addresses *list, uint32_t address)
{
	for (unsigned int i = 0; i < list->count; i++)
		if (list->address[i] == address)
			return true;
	return false;
}

bool addresses_add(struct addresses *list, uint32_t address)
{
	if (addresses_have(list, address))
		return true;
	if (list->count == ADDRESSES_MAX)
		return false;
	list->address[list->count++] = address;
	return true;
}

void addresses_remove(struct addresses *list, uint32_t address)
{
	for (unsigned int i = 0; i < list->count; i++)
		if (list->address[i] == address)
			list->address[i--] = list->address[--list->count];
}

static bool separates(char c)
{
	return c == ' ' || c == ',' || c == '\t' || c == '\n' || c == '\0';
}

bool addresses_add_text(struct addresses *list, const char *text, size_t length)
{
	size_t at = 0;

	while (at < length) {
		size_t end = at;
		uint32_t address;

		while (end < length && !separates(text[end]))
			end++;
		if (address_parse(text + at, end - at, &address) && !addresses_add(list, address))
			return false;
		at = end + 1;
	}
	return true;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

void addresses_format(const struct addresses *list, char text[ADDRESSES_TEXT])
{
	struct addresses sorted = *list;
	size_t at = 0;

	qsort(sorted.address, sorted.count, sizeof(sorted.address[0]), compare);
	text[0] = '\0';
	for (unsigned int i = 0; i < sorted.count; i++) {
		uint32_t a = sorted.address[i];

		at += (size_t)snprintf(text + at, ADDRESSES_TEXT - at, "%s%u.%u.%u.%u", i ? " " : "", a >> 24,
				       a >> 16 & 255, a >> 8 & 255, a & 255);
	}
}
