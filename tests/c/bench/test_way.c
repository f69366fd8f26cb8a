/* The module's table of connections, as way.c reads it. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "way.h"

bool check_failed;

#define HEAD                                                                                                          \
	"cookie role local remote cid state reason tx_bytes tx_messages rx_bytes rx_messages tx_waits rx_waits events "  \
	"tcp_tx_bytes tcp_rx_bytes\n"
#define ROW "7 connected 10.0.0.1:40000 10.0.0.2:5000 4 moved - 11 1 12 2 0 0 0 13 14\n"

static bool head_of(struct way_table *table, const char *text, struct error *error)
{
	char line[400];

	snprintf(line, sizeof(line), "%s", text);
	return way_head(table, line, error);
}

static bool row_of(const struct way_table *table, const char *text, const char *local, const char *remote,
		   struct way_row *row)
{
	char line[400];

	snprintf(line, sizeof(line), "%s", text);
	return way_line(table, line, local, remote, row);
}

static void a_row_is_found_by_its_ends(void)
{
	struct way_table table;
	struct way_row row;
	struct error error;

	CHECK(head_of(&table, HEAD, &error));
	CHECK(row_of(&table, ROW, "10.0.0.1:40000", "10.0.0.2:5000", &row));
	CHECK(strcmp(row.state, "moved") == 0 && strcmp(row.reason, "-") == 0);
	CHECK(row.way.ring_tx == 11 && row.way.ring_rx == 12 && row.way.tcp_tx == 13 && row.way.tcp_rx == 14);
	CHECK(!row_of(&table, ROW, "10.0.0.1:4000", "10.0.0.2:5000", &row));
	CHECK(!row_of(&table, ROW, "10.0.0.1:40000", "10.0.0.2:50000", &row));
	CHECK(!row_of(&table, ROW, "10.0.0.2:5000", "10.0.0.1:40000", &row));
}

static void columns_are_found_by_name(void)
{
	struct way_table table;
	struct way_row row;
	struct error error;

	CHECK(head_of(&table, "tcp_rx_bytes state tcp_tx_bytes reason rx_bytes new tx_bytes remote local\n", &error));
	CHECK(row_of(&table, "1 stays 2 refused 3 x 4 r l\n", "l", "r", &row));
	CHECK(strcmp(row.reason, "refused") == 0);
	CHECK(row.way.ring_tx == 4 && row.way.ring_rx == 3 && row.way.tcp_tx == 2 && row.way.tcp_rx == 1);
	CHECK(!head_of(&table, "local remote state reason tx_bytes rx_bytes tcp_tx_bytes\n", &error));
	CHECK_HOLDS(error.text, "no column tcp_rx_bytes");
	CHECK(!head_of(&table, "", &error));
}

static void what_makes_no_sense_is_no_row(void)
{
	struct way_table table;
	struct way_row row;
	struct error error;

	CHECK(head_of(&table, HEAD, &error));
	CHECK(!row_of(&table, "", "10.0.0.1:40000", "10.0.0.2:5000", &row));
	CHECK(!row_of(&table, "7 connected 10.0.0.1:40000 10.0.0.2:5000 4 moved - 11 1 12\n", "10.0.0.1:40000",
		      "10.0.0.2:5000", &row));
	CHECK(!row_of(&table, "7 connected 10.0.0.1:40000 10.0.0.2:5000 4 moved - -1 1 12 2 0 0 0 13 14\n",
		      "10.0.0.1:40000", "10.0.0.2:5000", &row));
}

static void the_difference_is_the_windows(void)
{
	struct way before = {10, 20, 30, 40}, after = {11, 22, 33, 44};
	struct way way = way_between(&before, &after);
	struct way none = way_between(&after, &before);

	CHECK(none.ring_tx == 0 && none.ring_rx == 0 && none.tcp_tx == 0 && none.tcp_rx == 0);
	CHECK(way.ring_tx == 1 && way.ring_rx == 2 && way.tcp_tx == 3 && way.tcp_rx == 4);
}

int main(void)
{
	int failed = RUN(a_row_is_found_by_its_ends) + RUN(columns_are_found_by_name) +
		     RUN(what_makes_no_sense_is_no_row) + RUN(the_difference_is_the_windows);

	return failed != 0;
}
