#include "error.h"

#include <stdarg.h>
#include <stdio.h>

bool error_set(struct error *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return false;
}

struct shown shown(const char *word)
{
	struct shown result = {.text = "\""};
	size_t used = 1;

	for (; *word && used <= 40; word++)
		result.text[used++] = (char)(*word < ' ' || *word > '~' ? '?' : *word);
	snprintf(result.text + used, sizeof(result.text) - used, "%s\"", *word ? "..." : "");
	return result;
}
