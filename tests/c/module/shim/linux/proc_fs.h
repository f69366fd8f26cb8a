#ifndef SHIM_LINUX_PROC_FS_H
#define SHIM_LINUX_PROC_FS_H

#include <kernel.h>

struct seq_file;
struct proc_dir_entry;

struct proc_dir_entry *proc_mkdir(const char *name, struct proc_dir_entry *parent);
struct proc_dir_entry *proc_create_single(const char *name, int mode, struct proc_dir_entry *parent,
					  int (*show)(struct seq_file *, void *));
void proc_remove(struct proc_dir_entry *entry);

/* What a reader of the file sees, or NULL if there is none. */
const char *proc_read(const char *name);

#endif
