#ifndef CGROUPS_H
#define CGROUPS_H

/* `v4vctl cgroups [LIST|none]`: shows, or sets. The exit code. */
int cgroups(const char *list);

#endif
