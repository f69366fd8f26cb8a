#include <linux/seq_file.h>

#include <stdarg.h>
#include <stdio.h>

struct proc_dir_entry {
	const char *name;
	int (*show)(struct seq_file *, void *);
};

static struct proc_dir_entry *files[8];

struct proc_dir_entry *proc_mkdir(const char *name, struct proc_dir_entry *parent)
{
	struct proc_dir_entry *entry = kernel_alloc(sizeof(*entry), false, true);

	(void)parent;
	if (entry)
		entry->name = name;
	return entry;
}

struct proc_dir_entry *proc_create_single(const char *name, int mode, struct proc_dir_entry *parent,
					  int (*show)(struct seq_file *, void *))
{
	struct proc_dir_entry *entry = proc_mkdir(name, parent);

	if (mode & 0222)
		violation("a file of statistics can be written");
	if (!entry)
		return NULL;
	entry->show = show;
	for (unsigned int i = 0; i < ARRAY_SIZE(files); i++)
		if (!files[i]) {
			files[i] = entry;
			return entry;
		}
	abort();
}

/* A folder with all that is in it. */
void proc_remove(struct proc_dir_entry *entry)
{
	if (!entry)
		return;
	for (unsigned int i = 0; i < ARRAY_SIZE(files); i++) {
		kernel_free(files[i]);
		files[i] = NULL;
	}
	kernel_free(entry);
}

void seq_printf(struct seq_file *seq, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	seq->length += (size_t)vsnprintf(seq->text + seq->length, sizeof(seq->text) - seq->length, format, arguments);
	va_end(arguments);
	if (seq->length >= sizeof(seq->text))
		abort();
}

const char *proc_read(const char *name)
{
	static struct seq_file seq;

	seq.length = 0;
	for (unsigned int i = 0; i < ARRAY_SIZE(files); i++)
		if (files[i] && strcmp(files[i]->name, name) == 0) {
			files[i]->show(&seq, NULL);
			return seq.text;
		}
	return NULL;
}
