/* The ABI under test (kernel/include), where Xen's build has it. */
#include <v4v.h>
