#ifndef SHIM_LINUX_SEQ_FILE_H
#define SHIM_LINUX_SEQ_FILE_H

#include <linux/proc_fs.h>

struct seq_file {
	char text[65536];
	size_t length;
};

void seq_printf(struct seq_file *seq, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define seq_puts(seq, text) seq_printf(seq, "%s", text)

#endif
