#include "words.h"

#include <string.h>

char *word_cut(char **cursor)
{
	char *word = *cursor;
	char *space;

	if (!word)
		return NULL;
	space = strchr(word, ' ');
	if (space)
		*space++ = '\0';
	*cursor = space;
	return word;
}

static size_t find_key(const char *const keys[], size_t count, const char *key)
{
	size_t i = 0;

	while (i < count && strcmp(keys[i], key) != 0)
		i++;
	return i;
}

bool fields_parse(char *text, const char *const keys[], size_t count, size_t rest, char *values[],
		  struct error *error)
{
	for (size_t i = 0; i < count; i++)
		values[i] = NULL;
	while (text) {
		size_t key_length = strcspn(text, "= ");
		char *key = text;
		size_t index;

		if (text[key_length] != '=' || key_length == 0) {
			char *word = word_cut(&text);

			return *word ? error_set(error, "\"%.60s\" is not key=value", word)
				     : error_set(error, "an empty word: words are separated by single spaces");
		}
		key[key_length] = '\0';
		text += key_length + 1;
		index = find_key(keys, count, key);
		if (index == count)
			return error_set(error, "unknown key \"%.60s\"", key);
		if (values[index])
			return error_set(error, "key \"%s\" is given twice", key);
		if (index == rest) {
			values[index] = text;
			text = NULL;
		} else {
			values[index] = word_cut(&text);
		}
		if (!*values[index])
			return error_set(error, "key \"%s\" has no value", key);
	}
	for (size_t i = 0; i < count; i++) {
		if (!values[i])
			return error_set(error, "key \"%s\" is missing", keys[i]);
	}
	return true;
}

bool number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *number)
{
	uint64_t value = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		unsigned digit = (unsigned char)*text - (unsigned)'0';

		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (value < min || value > max)
		return false;
	*number = value;
	return true;
}

bool number_field(const char *key, const char *text, uint64_t min, uint64_t max, uint64_t *number,
		  struct error *error)
{
	if (number_parse(text, min, max, number))
		return true;
	return error_set(error, "%s=%.40s is not a whole number from %llu to %llu", key, text,
			 (unsigned long long)min, (unsigned long long)max);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool hex_parse(const char *text, uint8_t *bytes, size_t count)
{
	if (strlen(text) != 2 * count)
		return false;
	for (size_t i = 0; i < count; i++) {
		int high = hex_digit(text[2 * i]);
		int low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (uint8_t)(high * 16 + low);
	}
	return true;
}

void hex_format(char *text, const uint8_t *bytes, size_t count)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < count; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	text[2 * count] = '\0';
}

size_t utf8_length(const char *text, size_t available)
{
	/* Table 3-7 of the Unicode standard: lead byte, allowed range of the second byte, length. */
	static const struct {
		uint8_t first, last, low, high, length;
	} rows[] = {
		{0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	const uint8_t *bytes = (const uint8_t *)text;

	for (size_t i = 0; available && i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (bytes[0] < rows[i].first || bytes[0] > rows[i].last)
			continue;
		if (rows[i].length > available)
			return 0;
		if (rows[i].length > 1 && (bytes[1] < rows[i].low || bytes[1] > rows[i].high))
			return 0;
		for (size_t j = 2; j < rows[i].length; j++) {
			if ((bytes[j] & 0xc0) != 0x80)
				return 0;
		}
		return rows[i].length;
	}
	return 0;
}
