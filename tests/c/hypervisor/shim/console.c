/* The console: what the hypervisor prints, and the keys that it answers. */
#include <stdarg.h>
#include <stdio.h>

#include <xen/keyhandler.h>
#include <xen/sched.h>

static keyhandler_fn_t *handlers[128];
static char printed[4096];
static size_t used;

/* By way of __initcall(). */
int machine_boot(void);

static void put(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	used += (size_t)vsnprintf(printed + used, sizeof(printed) - used, format, args);
	va_end(args);
	if (used >= sizeof(printed)) {
		violation("the hypervisor prints more than a console holds");
		used = 0;
	}
}

void printk(const char *format, ...)
{
	va_list args;

	/* A guest that can make one line can make a flood of them. */
	if (current)
		violation("a hypercall prints: %s", format);
	va_start(args, format);
	for (const char *at = format; *at; at++) {
		if (*at != '%') {
			put("%c", *at);
			continue;
		}
		at++;
		if (*at == 'u')
			put("%u", va_arg(args, unsigned int));
		else if (*at == 'c')
			put("%c", va_arg(args, int));
		else if (*at == 'p' && at[1] == 'd' && at++)
			put("d%u", va_arg(args, const struct domain *)->domain_id);
		else
			violation("this console does not know %%%c", *at);
	}
	va_end(args);
}

void register_keyhandler(unsigned char key, keyhandler_fn_t *fn, const char *desc, bool diagnostic)
{
	if (key >= sizeof(handlers) / sizeof(handlers[0]) || handlers[key] || !desc || !diagnostic)
		violation("key '%c' cannot be taken", key);
	else
		handlers[key] = fn;
}

const char *machine_press(unsigned char key)
{
	static bool booted;

	if (!booted && machine_boot())
		violation("the hypervisor does not boot");
	booted = true;
	printed[used = 0] = '\0';
	if (handlers[key])
		handlers[key](key);
	machine_audit();
	return printed;
}
