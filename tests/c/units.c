#include "violation.h"

#include <stdarg.h>

#include "units.h"

bool check_failed;

void violation(const char *format, ...)
{
	static unsigned int printed;
	va_list arguments;

	check_failed = true;
	/* One mistake can show in a thousand frames. */
	if (printed++ > 200)
		return;
	printf("# violation: ");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
}
