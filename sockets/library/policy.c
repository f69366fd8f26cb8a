#include "policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX 16384

static bool number(const char **at, const char *end, unsigned long most, unsigned long *value)
{
	const char *from = *at;

	*value = 0;
	while (*at < end && **at >= '0' && **at <= '9' && *at - from < 6)
		*value = *value * 10 + (unsigned long)(*(*at)++ - '0');
	return *at > from && *value <= most;
}

static bool address(const char **at, const char *end, struct rule *rule)
{
	unsigned long part, prefix = 32;

	for (int i = 0; i < 4; i++) {
		if (i && (*at == end || *(*at)++ != '.'))
			return false;
		if (!number(at, end, 255, &part))
			return false;
		rule->address = rule->address << 8 | (uint32_t)part;
	}
	if (*at < end && **at == '/') {
		(*at)++;
		if (!number(at, end, 32, &prefix))
			return false;
	}
	rule->mask = prefix ? ~0u << (32 - prefix) : 0;
	rule->address &= rule->mask;
	return true;
}

static bool ports(const char **at, const char *end, struct rule *rule)
{
	unsigned long first, last;

	if (*at < end && **at == '*') {
		(*at)++;
		return true;
	}
	if (!number(at, end, 65535, &first))
		return false;
	last = first;
	if (*at < end && **at == '-') {
		(*at)++;
		if (!number(at, end, 65535, &last) || last < first)
			return false;
	}
	rule->first_port = (uint16_t)first;
	rule->last_port = (uint16_t)last;
	return true;
}

bool rule_parse(const char *text, size_t length, struct rule *rule)
{
	struct rule new = {.last_port = 65535};
	const char *at = text, *end = text + length;

	if (at == end)
		return false;
	if (*at == '*')
		at++;
	else if (*at != ':' && !address(&at, end, &new))
		return false;
	if (at < end && *at == ':') {
		at++;
		if (!ports(&at, end, &new))
			return false;
	}
	if (at != end)
		return false;
	*rule = new;
	return true;
}

static bool separates(char c)
{
	return c == ',' || c == ' ' || c == '\t' || c == '\r';
}

bool rules_add(struct rules *rules, const char *text, size_t length)
{
	size_t at = 0;

	while (at < length) {
		size_t end = at;

		while (end < length && !separates(text[end]))
			end++;
		if (end > at) {
			if (rules->count == RULES_MAX ||
			    !rule_parse(text + at, end - at, &rules->rule[rules->count]))
				return false;
			rules->count++;
		}
		at = end + 1;
	}
	return true;
}

bool mode_parse(const char *text, size_t length, enum mode *mode)
{
	static const char *const names[] = {[MODE_AUTO] = "auto", [MODE_REQUIRE] = "require", [MODE_OFF] = "off"};

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == length && memcmp(names[i], text, length) == 0) {
			*mode = (enum mode)i;
			return true;
		}
	return false;
}

static void trim(const char **text, size_t *length)
{
	while (*length && separates(**text)) {
		(*text)++;
		(*length)--;
	}
	while (*length && separates((*text)[*length - 1]))
		(*length)--;
}

static bool policy_line(struct policy *policy, const char *line, size_t length)
{
	const char *equals, *value;
	size_t key, rest;

	trim(&line, &length);
	if (!length || *line == '#')
		return true;
	equals = memchr(line, '=', length);
	if (!equals)
		return false;
	key = (size_t)(equals - line);
	value = equals + 1;
	rest = length - key - 1;
	trim(&line, &key);
	trim(&value, &rest);
	if (key == 4 && memcmp(line, "mode", 4) == 0)
		return mode_parse(value, rest, &policy->mode);
	if (key == 7 && memcmp(line, "include", 7) == 0)
		return rules_add(&policy->include, value, rest);
	if (key == 7 && memcmp(line, "exclude", 7) == 0)
		return rules_add(&policy->exclude, value, rest);
	return false;
}

unsigned int policy_text(struct policy *policy, const char *text, size_t length)
{
	unsigned int line = 1;
	size_t at = 0;

	for (; at < length; line++) {
		const char *newline = memchr(text + at, '\n', length - at);
		size_t end = newline ? (size_t)(newline - text) : length;

		if (!policy_line(policy, text + at, end - at))
			return line;
		at = end + 1;
	}
	return 0;
}

static bool load_file(struct policy *policy, const char *path, bool must, char *error, size_t size)
{
	char *text = malloc(FILE_MAX);
	FILE *file = fopen(path, "re");
	unsigned int line = 0;
	size_t length;

	error[0] = '\0';
	if (file && text) {
		length = fread(text, 1, FILE_MAX, file);
		if (length == FILE_MAX)
			snprintf(error, size, "%s is longer than %d bytes", path, FILE_MAX - 1);
		else
			line = policy_text(policy, text, length);
		if (line)
			snprintf(error, size,
				 "%s: line %u is none of mode = auto|require|off, include = LIST, exclude = LIST", path,
				 line);
	} else if (must) {
		snprintf(error, size, "%s, which V4V_CONFIG names, cannot be read", path);
	}
	if (file)
		fclose(file);
	free(text);
	return !error[0];
}

static bool load_list(struct rules *rules, const char *name, char *error, size_t size)
{
	const char *text = getenv(name);

	if (!text || rules_add(rules, text, strlen(text)))
		return true;
	snprintf(error, size, "%s=%s: rules are ADDRESS[/PREFIX][:PORT[-PORT]], :PORT or *, at most %d", name, text,
		 RULES_MAX);
	return false;
}

bool policy_load(struct policy *policy, char *error, size_t size)
{
	/* No file of somebody else's choice for a program with more rights. */
	const char *path = secure_getenv("V4V_CONFIG"), *mode = getenv("V4V_MODE");

	*policy = (struct policy){.mode = MODE_AUTO};
	if (!load_file(policy, path ? path : POLICY_FILE, path, error, size))
		return false;
	if (mode && !mode_parse(mode, strlen(mode), &policy->mode)) {
		snprintf(error, size, "V4V_MODE=%s: it is auto, require or off", mode);
		return false;
	}
	return load_list(&policy->include, "V4V_INCLUDE", error, size) &&
	       load_list(&policy->exclude, "V4V_EXCLUDE", error, size);
}

/* A listener on all addresses (0) is met by any rule of its port that includes, and by none that leaves out some. */
static bool match(const struct rules *rules, uint32_t address, uint16_t port, bool part_is_enough)
{
	for (unsigned int i = 0; i < rules->count; i++) {
		const struct rule *rule = &rules->rule[i];

		if (port >= rule->first_port && port <= rule->last_port &&
		    (address ? (address & rule->mask) == rule->address : part_is_enough || !rule->mask))
			return true;
	}
	return false;
}

bool policy_wants(const struct policy *policy, uint32_t address, uint16_t port)
{
	if (policy->mode == MODE_OFF || match(&policy->exclude, address, port, false))
		return false;
	return !policy->include.count || match(&policy->include, address, port, true);
}
