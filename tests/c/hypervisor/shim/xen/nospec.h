/* Speculation cannot be observed here. */
#ifndef SHIM_XEN_NOSPEC_H
#define SHIM_XEN_NOSPEC_H

#define block_speculation() ((void)0)

#endif
