#include "table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Adds the words of a line; false if they are not as many as there are columns. */
static bool add_row(struct table *table, char *line)
{
	size_t column = 0;
	char *rest, *word = strtok_r(line, " \n", &rest);
	void *cells;

	if (!word)
		return true;
	cells = reallocarray(table->cell, (table->rows + 1) * COLUMNS_MAX, WORD_MAX);
	if (!cells)
		return false;
	table->cell = cells;
	for (; word && column < COLUMNS_MAX; word = strtok_r(NULL, " \n", &rest))
		snprintf(table->cell[table->rows * (table->rows ? table->columns : COLUMNS_MAX) + column++], WORD_MAX,
			 "%s", word);
	if (!table->rows)
		table->columns = column;
	table->rows++;
	return !word && column == table->columns;
}

bool table_read(struct table *table, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	bool ok = true;

	*table = (struct table){0};
	if (!file) {
		fprintf(stderr, "%s: %s; is the module v4v loaded?\n", path, strerror(errno));
		return false;
	}
	while (ok && getline(&line, &size, file) > 0)
		ok = add_row(table, line);
	free(line);
	fclose(file);
	if (ok && table->rows)
		return true;
	fprintf(stderr, "%s is not a table as this program knows it; is the module of the same version?\n", path);
	table_free(table);
	return false;
}

void table_free(struct table *table)
{
	free(table->cell);
	*table = (struct table){0};
}

int table_column(const struct table *table, const char *name)
{
	for (size_t c = 0; c < table->columns; c++)
		if (strcmp(table->cell[c], name) == 0)
			return (int)c;
	return -1;
}

const char *table_cell(const struct table *table, size_t row, const char *name)
{
	int column = table_column(table, name);

	return column < 0 ? "" : table->cell[row * table->columns + (size_t)column];
}

void table_print(const struct table *table)
{
	size_t width[COLUMNS_MAX] = {0};

	for (size_t i = 0; i < table->rows * table->columns; i++) {
		size_t length = strlen(table->cell[i]);

		if (length > width[i % table->columns])
			width[i % table->columns] = length;
	}
	for (size_t row = 0; row < table->rows; row++) {
		for (size_t c = 0; c < table->columns; c++) {
			const char *word = table->cell[row * table->columns + c];
			/* As the column's first value is. */
			const char *sample = table->cell[(table->rows > 1 ? table->columns : 0) + c];
			bool numeric = sample[strspn(sample, "0123456789")] == '\0';

			/* No blanks at a line's end. */
			int cell = numeric ? (int)width[c] : c + 1 < table->columns ? -(int)width[c] : 0;

			printf("%s%*s", c ? "  " : "", cell, word);
		}
		putchar('\n');
	}
}
