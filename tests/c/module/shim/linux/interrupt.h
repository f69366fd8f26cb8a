/* One interrupt, which the tests make happen. */
#ifndef SHIM_LINUX_INTERRUPT_H
#define SHIM_LINUX_INTERRUPT_H

#include <kernel.h>

typedef int irqreturn_t;
#define IRQ_HANDLED 1

/* How often it was switched off and not on again; it is not once too often. */
extern unsigned int irq_off;

#define disable_irq_nosync(irq) ((void)(irq), irq_off++)
#define enable_irq(irq) ((void)(irq), irq_off ? (void)irq_off-- : violation("an interrupt is switched on that is on"))
#define synchronize_irq(irq) ((void)(irq))

#endif
