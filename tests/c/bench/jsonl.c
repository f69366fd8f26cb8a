/*
 * jsonl FILE: 0 if every line of the file is one JSON value (RFC 8259) in UTF-8 and ends with a newline. Shares no
 * code with the program under test.
 */
#include <ctype.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static const char *at;

static bool value(int depth);

static bool literal(const char *text)
{
	if (strncmp(at, text, strlen(text)) != 0)
		return false;
	at += strlen(text);
	return true;
}

static bool digits(void)
{
	if (!isdigit((unsigned char)*at))
		return false;
	while (isdigit((unsigned char)*at))
		at++;
	return true;
}

static bool number(void)
{
	literal("-");
	if (!literal("0") && !digits())
		return false;
	if (literal(".") && !digits())
		return false;
	if (*at == 'e' || *at == 'E') {
		at++;
		if (*at == '+' || *at == '-')
			at++;
		return digits();
	}
	return true;
}

static bool escape(void)
{
	if (*at == 'u') {
		for (int i = 1; i <= 4; i++) {
			if (!isxdigit((unsigned char)at[i]))
				return false;
		}
		at += 5;
		return true;
	}
	return *at && strchr("\"\\/bfnrt", *at++);
}

static bool string(void)
{
	if (!literal("\""))
		return false;
	while (*at != '"') {
		if ((unsigned char)*at < ' ')
			return false;
		if (*at++ == '\\' && !escape())
			return false;
	}
	at++;
	return true;
}

/* Members of an object or elements of an array, up to the closing bracket. */
static bool members(char close, bool keys, int depth)
{
	if (*at == close) {
		at++;
		return true;
	}
	for (;;) {
		if (keys && !(string() && literal(":")))
			return false;
		if (!value(depth + 1))
			return false;
		if (*at == close) {
			at++;
			return true;
		}
		if (!literal(","))
			return false;
	}
}

static bool value(int depth)
{
	if (depth > 20)
		return false;
	if (literal("{"))
		return members('}', true, depth);
	if (literal("["))
		return members(']', false, depth);
	if (*at == '"')
		return string();
	return literal("true") || literal("false") || literal("null") || number();
}

int main(int argc, char **argv)
{
	FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
	unsigned long number_of_line = 0;
	size_t allocated = 0;
	char *line = NULL;
	ssize_t length;

	if (!file || !setlocale(LC_CTYPE, "C.UTF-8")) {
		fprintf(stderr, "jsonl: cannot open the file, or there is no C.UTF-8\n");
		return 2;
	}
	while ((length = getline(&line, &allocated, file)) > 0) {
		bool good;

		number_of_line++;
		good = line[length - 1] == '\n' && strlen(line) == (size_t)length;
		line[length - 1] = '\0';
		at = line;
		if (!good || !value(0) || *at || mbstowcs(NULL, line, 0) == (size_t)-1) {
			fprintf(stderr, "jsonl: line %lu is wrong near \"%.40s\"\n", number_of_line, at);
			return 1;
		}
	}
	free(line);
	fclose(file);
	return number_of_line == 0;
}
