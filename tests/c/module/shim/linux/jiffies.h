#include <kernel.h>

/* Ticks; they pass when a test says so. */
extern unsigned long jiffies;
