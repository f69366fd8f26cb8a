#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "words.h"

static void append(struct json *json, const char *text, size_t length)
{
	if (json->allocated - json->length <= length) {
		while (json->allocated - json->length <= length)
			json->allocated = json->allocated ? json->allocated * 2 : 4096;
		json->text = realloc(json->text, json->allocated);
		if (!json->text)
			out_of_memory();
	}
	memcpy(json->text + json->length, text, length);
	json->length += length;
	json->text[json->length] = '\0';
}

static void before_value(struct json *json)
{
	if (json->comma)
		append(json, ",", 1);
	json->comma = true;
}

void json_open(struct json *json, char open)
{
	before_value(json);
	append(json, &open, 1);
	json->comma = false;
}

void json_close(struct json *json, char close)
{
	append(json, &close, 1);
	json->comma = true;
}

static void quoted(struct json *json, const char *text)
{
	size_t left = strlen(text);

	append(json, "\"", 1);
	while (left) {
		size_t bytes = utf8_length(text, left);
		char escape[8];

		if (bytes == 0) {
			append(json, "\\ufffd", 6);
			bytes = 1;
		} else if (*text == '"' || *text == '\\') {
			escape[0] = '\\';
			escape[1] = *text;
			append(json, escape, 2);
		} else if ((unsigned char)*text < ' ') {
			append(json, escape, (size_t)snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)*text));
		} else {
			append(json, text, bytes);
		}
		text += bytes;
		left -= bytes;
	}
	append(json, "\"", 1);
}

void json_key(struct json *json, const char *key)
{
	before_value(json);
	quoted(json, key);
	append(json, ":", 1);
	json->comma = false;
}

void json_string(struct json *json, const char *text)
{
	before_value(json);
	quoted(json, text);
}

void json_u64(struct json *json, uint64_t number)
{
	char digits[24];

	before_value(json);
	append(json, digits, (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number));
}

void json_milli(struct json *json, uint64_t milli)
{
	char digits[24];

	before_value(json);
	append(json, digits, (size_t)snprintf(digits, sizeof(digits), "%llu.%03u", (unsigned long long)(milli / 1000),
					      (unsigned)(milli % 1000)));
}

void json_bool(struct json *json, bool value)
{
	before_value(json);
	append(json, value ? "true" : "false", value ? 4 : 5);
}

void json_null(struct json *json)
{
	before_value(json);
	append(json, "null", 4);
}

void json_newline(struct json *json)
{
	append(json, "\n", 1);
	json->comma = false;
}

void json_reset(struct json *json)
{
	json->length = 0;
	json->comma = false;
}

void json_free(struct json *json)
{
	free(json->text);
	*json = (struct json){0};
}
