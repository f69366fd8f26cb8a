#ifndef SHIM_XEN_INIT_H
#define SHIM_XEN_INIT_H

#define __ro_after_init
#define __init

/* Xen calls it while it boots: the machine does so before its first key. There is one. */
#define __initcall(fn)          \
	int machine_boot(void); \
	int machine_boot(void)  \
	{                       \
		return fn();    \
	}

#endif
