#ifndef SYSTEM_H
#define SYSTEM_H

/* `v4vctl system WHAT`: on, off or status. The exit code. */
int system_switch(const char *what);

#endif
