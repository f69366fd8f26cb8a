#ifndef SHIM_XEN_INIT_H
#define SHIM_XEN_INIT_H

#define __ro_after_init

#endif
