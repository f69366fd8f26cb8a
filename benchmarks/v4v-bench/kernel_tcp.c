#include "kernel_tcp.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define SYSCTL "/proc/sys/net/ipv4/"

static void read_setting(const char *path, char word[48])
{
	FILE *file = fopen(path, "re");

	if (!file || !fgets(word, 48, file))
		strcpy(word, "?");
	if (file)
		fclose(file);
	word[strcspn(word, "\n")] = '\0';
	for (char *c = word; *c; c++) {
		if (isspace((unsigned char)*c))
			*c = ':';
	}
}

void kernel_tcp(char *text, size_t size)
{
	char congestion[48], receive[48], send[48];

	read_setting(SYSCTL "tcp_congestion_control", congestion);
	read_setting(SYSCTL "tcp_rmem", receive);
	read_setting(SYSCTL "tcp_wmem", send);
	snprintf(text, size, "%s,rmem=%s,wmem=%s", congestion, receive, send);
}
