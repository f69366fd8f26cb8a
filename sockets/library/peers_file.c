#include "peers_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* 1024 lines of at most 22 characters, and the head. */
#define TEXT_MAX 32768

bool peers_file_has(uint32_t address)
{
	char wanted[24], text[TEXT_MAX];
	int fd = open(PEERS_FILE, O_RDONLY | O_CLOEXEC);
	bool found = false;
	size_t length = 0;
	ssize_t n = 1;

	if (fd < 0)
		return false;
	snprintf(wanted, sizeof(wanted), " %u.%u.%u.%u\n", address >> 24, address >> 16 & 255, address >> 8 & 255,
		 address & 255);
	/* One read is enough for most: the end is looked for only without the address. */
	while (n > 0 && !found && length < sizeof(text) - 1) {
		n = read(fd, text + length, sizeof(text) - 1 - length);
		if (n > 0)
			length += (size_t)n;
		text[length] = '\0';
		found = strstr(text, wanted);
	}
	close(fd);
	return found;
}
