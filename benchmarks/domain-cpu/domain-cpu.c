/*
 * domain-cpu: prints `domid ns` for every domain, dom0 included: the CPU time that the hypervisor has given its vCPUs
 * since its start. What `v4v-bench drive --cpu-command` runs before and after a timed window; a tool of its own
 * because `xl` takes a good part of a second for the same answer under emulation.
 */
#include <stdio.h>
#include <stdlib.h>

#include <xenctrl.h>

#define MAX_DOMAINS 256

int main(void)
{
	static xc_domaininfo_t domains[MAX_DOMAINS];
	xc_interface *xen = xc_interface_open(NULL, NULL, 0);
	int count;

	if (!xen) {
		perror("domain-cpu: xc_interface_open");
		return EXIT_FAILURE;
	}
	count = xc_domain_getinfolist(xen, 0, MAX_DOMAINS, domains);
	if (count < 0) {
		perror("domain-cpu: xc_domain_getinfolist");
		return EXIT_FAILURE;
	}
	for (int i = 0; i < count; i++)
		printf("%u %llu\n", (unsigned)domains[i].domain, (unsigned long long)domains[i].cpu_time);
	xc_interface_close(xen);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
