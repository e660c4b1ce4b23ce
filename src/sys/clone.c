/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/clone.h"

/* In assembly because the child must not return into the frame that it shares with its parent. */
#if defined(__x86_64__)
__asm__(".text\n"
        ".globl att_clone3\n"
        ".hidden att_clone3\n"
        ".type att_clone3, @function\n"
        "att_clone3:\n"
        "	endbr64\n"
        "	mov %rcx, %r8\n"
        "	mov $435, %eax\n"
        "	syscall\n"
        "	test %rax, %rax\n"
        "	jz 1f\n"
        "	ret\n"
        "1:	xor %ebp, %ebp\n"
        "	mov %r8, %rdi\n"
        "	call *%rdx\n"
        "	mov %eax, %edi\n"
        "	mov $60, %eax\n"
        "	syscall\n"
        "	hlt\n"
        ".size att_clone3, . - att_clone3\n");
#elif defined(__aarch64__)
__asm__(".text\n"
        ".globl att_clone3\n"
        ".hidden att_clone3\n"
        ".type att_clone3, %function\n"
        "att_clone3:\n"
        "	hint #34\n"
        "	mov x8, #435\n"
        "	svc #0\n"
        "	cbz x0, 1f\n"
        "	ret\n"
        "1:	mov x29, xzr\n"
        "	mov x30, xzr\n"
        "	mov x0, x3\n"
        "	blr x2\n"
        "	mov x8, #93\n"
        "	svc #0\n"
        "	brk #1\n"
        ".size att_clone3, . - att_clone3\n");
#else
#	error "attache knows x86-64 and arm64"
#endif
