#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool error_set(struct error *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return false;
}

bool error_errno(struct error *error, const char *what)
{
	/* SO_RCVTIMEO, SO_SNDTIMEO and a connect() under SO_SNDTIMEO report a time-out by these. */
	if (errno == EAGAIN || errno == EINPROGRESS)
		return error_set(error, "%s: no progress until the deadline", what);
	return error_set(error, "%s: %s", what, strerror(errno));
}

void out_of_memory(void)
{
	fprintf(stderr, "%s: out of memory\n", program_invocation_short_name);
	_exit(EXIT_FAILURE);
}
