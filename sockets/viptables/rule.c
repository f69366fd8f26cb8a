#include "rule.h"

#include <string.h>
#include <strings.h>

struct rule rule_any(void)
{
	return (struct rule){.from = {.name = "any"}, .to = {.name = "any"}};
}

bool number_parse(uint32_t *number, const char *word, uint32_t min, uint32_t max)
{
	uint64_t n = 0;

	if (!*word)
		return false;
	for (; *word; word++) {
		if (*word < '0' || *word > '9')
			return false;
		n = n * 10 + (uint64_t)(*word - '0');
		if (n > max)
			return false;
	}
	*number = (uint32_t)n;
	return n >= min;
}

bool name_valid(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.+-";
	size_t length = strlen(name);

	/* A leading - is an option that somebody forgot a value before. */
	return length >= 1 && length <= NAME_MAX_LENGTH && *name != '-' && strspn(name, allowed) == length;
}

bool end_parse(struct end *end, const char *word, struct error *error)
{
	const char *colon = strchr(word, ':');
	size_t length = colon ? (size_t)(colon - word) : strlen(word);

	*end = (struct end){.has_port = colon};
	if (length <= NAME_MAX_LENGTH)
		memcpy(end->name, word, length);
	if (!name_valid(end->name))
		return error_set(error, "%s is no DOMAIN or DOMAIN:PORT; DOMAIN is any, a domain's name or its number",
				 shown(word).text);
	if (colon && !number_parse(&end->port, colon + 1, 0, UINT32_MAX))
		return error_set(error, "%s: the port is a number from 0 to %u (that of a V4V ring)", shown(word).text,
				 UINT32_MAX);
	return true;
}

bool target_parse(uint16_t *target, const char *word, struct error *error)
{
	if (strcasecmp(word, "accept") == 0)
		*target = V4V_ACCEPT;
	else if (strcasecmp(word, "drop") == 0)
		*target = V4V_DROP;
	else
		return error_set(error, "%s is neither accept nor drop", shown(word).text);
	return true;
}

const char *target_name(uint16_t target)
{
	return target == V4V_DROP ? "DROP" : "ACCEPT";
}
