/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attach/launcher_image.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "base/fd.h"

#ifndef MFD_EXEC
#	define MFD_EXEC 0x0010u
#endif

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
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	_cleanup_close_ int fd = memfd_create("attache", flags | MFD_EXEC);
	int r = 0;

	/* Before Linux 6.3 there is no such flag, and every memory file can be run. */
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("attache", flags);
	if (fd < 0)
		return att_err_sys(err, errno == EACCES ? ATT_E_UNSUPPORTED : ATT_E_INTERNAL_ERROR,
		                   ATT_STAGE_LAUNCH, errno,
		                   "make a memory file that can be run (vm.memfd_noexec?)");
	r = att_fd_write_full(fd, att_launcher_start,
	                      (size_t)(att_launcher_end - att_launcher_start));
	if (r < 0)
		return att_err_sys(err, ATT_E_NO_MEMORY, ATT_STAGE_LAUNCH, -r,
		                   "fill a memory file");
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return att_err_sys(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_LAUNCH, errno,
		                   "seal a memory file");
	*ret_fd = take_fd(&fd);
	return 0;
}
