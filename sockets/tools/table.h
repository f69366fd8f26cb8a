/* Tables of words, as /proc/v4v has them: the first line names the columns. */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>
#include <stddef.h>

#define COLUMNS_MAX 24
#define WORD_MAX 64

struct table {
	size_t rows, columns;
	/* Of row r and column c: cell[r * columns + c]; row 0 holds the names. */
	char (*cell)[WORD_MAX];
};

/* False, with a sentence on stderr, if there is no such file or it is no table. */
bool table_read(struct table *table, const char *path);
void table_free(struct table *table);
/* The number of a column, or -1. */
int table_column(const struct table *table, const char *name);
const char *table_cell(const struct table *table, size_t row, const char *name);
/* In columns; numbers to the right. */
void table_print(const struct table *table);

#endif
