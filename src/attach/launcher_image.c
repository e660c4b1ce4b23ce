/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attach/launcher_image.h"

#include "sys/memfile.h"

/* The Makefile names the linked launcher. */
__asm__(".section .rodata\n"
        ".globl att_launcher_start\n"
        ".hidden att_launcher_start\n"
        ".globl att_launcher_end\n"
        ".hidden att_launcher_end\n"
        "att_launcher_start:\n"
        ".incbin \"" ATT_LAUNCHER_FILE "\"\n"
        "att_launcher_end:\n"
        ".previous\n");

extern const char att_launcher_start[];
extern const char att_launcher_end[];

int att_launcher_open(int *ret_fd, struct att_err *err)
{
	return att_memfile_open("attache", att_launcher_start,
	                        (size_t)(att_launcher_end - att_launcher_start), ATT_STAGE_LAUNCH,
	                        ret_fd, err);
}
