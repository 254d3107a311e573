	.def	seh_filter;
	.scl	2;
	.type	32;
	.endef
	.globl	seh_filter                      # -- Begin function seh_filter
	.p2align	4, 0x90
seh_filter:                             # @seh_filter
.Lfunc_begin0:
.seh_proc seh_filter
	.seh_handler __C_specific_handler, @unwind, @except
# %bb.0:
	pushq	%rbp
	.seh_pushreg %rbp
	subq	$32, %rsp
	.seh_stackalloc 32
	leaq	32(%rsp), %rbp
	.seh_setframe %rbp, 32
	.seh_endprologue
.Ltmp6:
	nop
	movl	$0, trail(%rip)
.Ltmp7:
# %bb.1:
.Ltmp8:
	nop
	movq	low(%rip), %rcx
.Ltmp0:
	callq	read
.Ltmp1:
.Ltmp9:
# %bb.2:
.Ltmp10:
.Ltmp2:
	movl	$9, %ecx
	callq	step
.Ltmp3:
.Ltmp11:
# %bb.3:
.Ltmp12:
	movl	$1, %eax
.Ltmp13:
.LBB0_9:
	addq	$32, %rsp
	popq	%rbp
	retq
.LBB0_4:
.Ltmp14:
	movq	%rax, %rcx
	movl	trail(%rip), %eax
	leal	(%rax,%rax,4), %eax
	leal	2(,%rax,2), %eax
	movl	%eax, trail(%rip)
	movl	$1, %eax
	cmpl	$-1073741819, %ecx              # imm = 0xC0000005
.Ltmp15:
	jne	.LBB0_9
# %bb.5:
.Ltmp16:
	nop
	movl	trail(%rip), %ecx
	movl	$2, %eax
	cmpl	$12, %ecx
.Ltmp17:
	jne	.LBB0_9
# %bb.6:
.Ltmp18:
	nop
	movq	low(%rip), %rcx
.Ltmp4:
	callq	write
.Ltmp5:
.Ltmp19:
.LBB0_8:
.Ltmp22:
	nop
	movl	trail(%rip), %eax
	xorl	%ecx, %ecx
	cmpl	$123, %eax
	setne	%cl
	leal	(%rcx,%rcx,2), %eax
.Ltmp23:
	jmp	.LBB0_9
.LBB0_7:
.Ltmp20:
	nop
	movl	trail(%rip), %eax
	leal	(%rax,%rax,4), %eax
	leal	3(,%rax,2), %eax
	movl	%eax, trail(%rip)
.Ltmp21:
	jmp	.LBB0_8
.Lfunc_end0:
	.seh_handlerdata
.set .Lseh_filter$parent_frame_offset, 32
	.long	(.Llsda_end0-.Llsda_begin0)/16  # Number of call sites
.Llsda_begin0:
	.long	.Ltmp8@IMGREL                   # LabelStart
	.long	.Ltmp13@IMGREL+1                # LabelEnd
	.long	"?filt$0@0@seh_filter@@"@IMGREL # FilterFunction
	.long	.LBB0_4@IMGREL                  # ExceptionHandler
	.long	.Ltmp18@IMGREL                  # LabelStart
	.long	.Ltmp5@IMGREL+1                 # LabelEnd
	.long	"?filt$1@0@seh_filter@@"@IMGREL # FilterFunction
	.long	.LBB0_7@IMGREL                  # ExceptionHandler
.Llsda_end0:
	.text
	.seh_endproc
                                        # -- End function
	.def	"?filt$0@0@seh_filter@@";
	.scl	3;
	.type	32;
	.endef
	.p2align	4, 0x90                         # -- Begin function ?filt$0@0@seh_filter@@
"?filt$0@0@seh_filter@@":               # @"?filt$0@0@seh_filter@@"
# %bb.0:
	movl	trail(%rip), %eax
	addl	%eax, %eax
	leal	(%rax,%rax,4), %eax
	incl	%eax
	movl	%eax, trail(%rip)
	movq	(%rcx), %rcx
	xorl	%eax, %eax
	cmpl	$-1073741819, (%rcx)            # imm = 0xC0000005
	jne	.LBB1_4
# %bb.1:
	movl	$1, %eax
	cmpl	$2, 24(%rcx)
	jne	.LBB1_4
# %bb.2:
	cmpq	$0, 32(%rcx)
	movl	$0, %eax
	je	.LBB1_3
.LBB1_4:
	retq
.LBB1_3:
	xorl	%eax, %eax
	cmpq	$16, 40(%rcx)
	sete	%al
	retq
                                        # -- End function
	.def	step;
	.scl	3;
	.type	32;
	.endef
	.p2align	4, 0x90                         # -- Begin function step
step:                                   # @step
# %bb.0:
                                        # kill: def $ecx killed $ecx def $rcx
	movl	trail(%rip), %eax
	leal	(%rax,%rax,4), %eax
	leal	(%rcx,%rax,2), %eax
	movl	%eax, trail(%rip)
	retq
                                        # -- End function
	.def	read;
	.scl	3;
	.type	32;
	.endef
	.p2align	4, 0x90                         # -- Begin function read
read:                                   # @read
# %bb.0:
	movl	(%rcx), %eax
	retq
                                        # -- End function
	.def	"?filt$1@0@seh_filter@@";
	.scl	3;
	.type	32;
	.endef
	.p2align	4, 0x90                         # -- Begin function ?filt$1@0@seh_filter@@
"?filt$1@0@seh_filter@@":               # @"?filt$1@0@seh_filter@@"
# %bb.0:
	movq	(%rcx), %rcx
	xorl	%eax, %eax
	cmpl	$-1073741819, (%rcx)            # imm = 0xC0000005
	jne	.LBB4_4
# %bb.1:
	movl	$1, %eax
	cmpl	$2, 24(%rcx)
	jne	.LBB4_4
# %bb.2:
	cmpq	$1, 32(%rcx)
	movl	$0, %eax
	jne	.LBB4_4
# %bb.3:
	xorl	%eax, %eax
	cmpq	$16, 40(%rcx)
	sete	%al
.LBB4_4:
	retq
                                        # -- End function
	.def	write;
	.scl	3;
	.type	32;
	.endef
	.p2align	4, 0x90                         # -- Begin function write
write:                                  # @write
# %bb.0:
	movl	$7, (%rcx)
	retq
                                        # -- End function
	.def	seh_finally;
	.scl	2;
	.type	32;
	.endef
	.globl	seh_finally                     # -- Begin function seh_finally
	.p2align	4, 0x90
seh_finally:                            # @seh_finally
.Lfunc_begin1:
.seh_proc seh_finally
	.seh_handler __C_specific_handler, @unwind, @except
# %bb.0:
	pushq	%rbp
	.seh_pushreg %rbp
	subq	$32, %rsp
	.seh_stackalloc 32
	leaq	32(%rsp), %rbp
	.seh_setframe %rbp, 32
	.seh_endprologue
.Ltmp38:
	nop
	movl	$0, trail(%rip)
.Ltmp39:
# %bb.1:
.Ltmp40:
.Ltmp24:
	movl	$1, %ecx
	callq	step
.Ltmp25:
.Ltmp41:
# %bb.2:
.Ltmp42:
.Ltmp28:
	xorl	%ecx, %ecx
	callq	"?fin$0@0@seh_finally@@"
.Ltmp29:
.Ltmp43:
# %bb.3:
.Ltmp44:
	nop
	movq	low(%rip), %rcx
.Ltmp30:
	callq	read
.Ltmp31:
.Ltmp45:
# %bb.4:
.Ltmp46:
.Ltmp34:
	xorl	%ecx, %ecx
	callq	"?fin$1@0@seh_finally@@"
.Ltmp35:
.Ltmp47:
# %bb.5:
.Ltmp48:
.Ltmp36:
	movl	$9, %ecx
	callq	step
.Ltmp37:
.Ltmp49:
.LBB6_7:
.Ltmp52:
	nop
	movl	trail(%rip), %ecx
	xorl	%eax, %eax
	cmpl	$1234, %ecx                     # imm = 0x4D2
.Ltmp53:
	je	.LBB6_9
# %bb.8:
.Ltmp54:
	nop
	movl	trail(%rip), %eax
.Ltmp55:
.LBB6_9:
	addq	$32, %rsp
	popq	%rbp
	retq
.LBB6_6:
.Ltmp50:
	nop
	movl	trail(%rip), %eax
	leal	(%rax,%rax,4), %eax
	leal	4(,%rax,2), %eax
	movl	%eax, trail(%rip)
.Ltmp51:
	jmp	.LBB6_7
	.seh_handlerdata
.set .Lseh_finally$parent_frame_offset, 32
	.long	(.Llsda_end1-.Llsda_begin1)/16  # Number of call sites
.Llsda_begin1:
	.long	.Ltmp40@IMGREL                  # LabelStart
	.long	.Ltmp25@IMGREL+1                # LabelEnd
	.long	"?dtor$10@?0?seh_finally@4HA"@IMGREL # FinallyFunclet
	.long	0                               # Null
	.long	.Ltmp40@IMGREL                  # LabelStart
	.long	.Ltmp25@IMGREL+1                # LabelEnd
	.long	1                               # CatchAll
	.long	.LBB6_6@IMGREL                  # ExceptionHandler
	.long	.Ltmp42@IMGREL                  # LabelStart
	.long	.Ltmp29@IMGREL+1                # LabelEnd
	.long	1                               # CatchAll
	.long	.LBB6_6@IMGREL                  # ExceptionHandler
	.long	.Ltmp44@IMGREL                  # LabelStart
	.long	.Ltmp31@IMGREL+1                # LabelEnd
	.long	"?dtor$13@?0?seh_finally@4HA"@IMGREL # FinallyFunclet
	.long	0                               # Null
	.long	.Ltmp44@IMGREL                  # LabelStart
	.long	.Ltmp31@IMGREL+1                # LabelEnd
	.long	1                               # CatchAll
	.long	.LBB6_6@IMGREL                  # ExceptionHandler
	.long	.Ltmp46@IMGREL                  # LabelStart
	.long	.Ltmp37@IMGREL+1                # LabelEnd
	.long	1                               # CatchAll
	.long	.LBB6_6@IMGREL                  # ExceptionHandler
.Llsda_end1:
	.text
	.seh_endproc
	.def	"?dtor$10@?0?seh_finally@4HA";
	.scl	3;
	.type	32;
	.endef
	.p2align	4, 0x90
"?dtor$10@?0?seh_finally@4HA":
.seh_proc "?dtor$10@?0?seh_finally@4HA"
.LBB6_10:                               # Block address taken
	movq	%rdx, 16(%rsp)
	pushq	%rbp
	.seh_pushreg %rbp
	subq	$32, %rsp
	.seh_stackalloc 32
	leaq	32(%rdx), %rbp
	.seh_endprologue
# %bb.11:
.Ltmp56:
.Ltmp26:
	movb	$1, %cl
	callq	"?fin$0@0@seh_finally@@"
.Ltmp27:
.Ltmp57:
# %bb.12:
	nop
	addq	$32, %rsp
	popq	%rbp
	retq                                    # CLEANUPRET
	.seh_handlerdata
	.text
	.seh_endproc
	.def	"?dtor$13@?0?seh_finally@4HA";
	.scl	3;
	.type	32;
	.endef
	.p2align	4, 0x90
"?dtor$13@?0?seh_finally@4HA":
.seh_proc "?dtor$13@?0?seh_finally@4HA"
.LBB6_13:                               # Block address taken
	movq	%rdx, 16(%rsp)
	pushq	%rbp
	.seh_pushreg %rbp
	subq	$32, %rsp
	.seh_stackalloc 32
	leaq	32(%rdx), %rbp
	.seh_endprologue
# %bb.14:
.Ltmp58:
.Ltmp32:
	movb	$1, %cl
	callq	"?fin$1@0@seh_finally@@"
.Ltmp33:
.Ltmp59:
# %bb.15:
	nop
	addq	$32, %rsp
	popq	%rbp
	retq                                    # CLEANUPRET
.Lfunc_end1:
	.seh_handlerdata
	.text
	.seh_endproc
                                        # -- End function
	.def	"?fin$0@0@seh_finally@@";
	.scl	3;
	.type	32;
	.endef
	.p2align	4, 0x90                         # -- Begin function ?fin$0@0@seh_finally@@
"?fin$0@0@seh_finally@@":               # @"?fin$0@0@seh_finally@@"
# %bb.0:
	testb	%cl, %cl
	movl	trail(%rip), %eax
	leal	(%rax,%rax,4), %eax
	leal	2(%rax,%rax), %ecx
	leal	9(%rax,%rax), %eax
	cmovel	%ecx, %eax
	movl	%eax, trail(%rip)
	retq
                                        # -- End function
	.def	"?fin$1@0@seh_finally@@";
	.scl	3;
	.type	32;
	.endef
	.p2align	4, 0x90                         # -- Begin function ?fin$1@0@seh_finally@@
"?fin$1@0@seh_finally@@":               # @"?fin$1@0@seh_finally@@"
# %bb.0:
	testb	%cl, %cl
	movl	trail(%rip), %eax
	leal	(%rax,%rax,4), %eax
	leal	9(%rax,%rax), %ecx
	leal	3(%rax,%rax), %eax
	cmovel	%ecx, %eax
	movl	%eax, trail(%rip)
	retq
                                        # -- End function
	.def	seh_nested;
	.scl	2;
	.type	32;
	.endef
	.globl	seh_nested                      # -- Begin function seh_nested
	.p2align	4, 0x90
seh_nested:                             # @seh_nested
.Lfunc_begin2:
.seh_proc seh_nested
	.seh_handler __C_specific_handler, @unwind, @except
# %bb.0:
	pushq	%rbp
	.seh_pushreg %rbp
	subq	$48, %rsp
	.seh_stackalloc 48
	leaq	48(%rsp), %rbp
	.seh_setframe %rbp, 48
	.seh_endprologue
.Ltmp66:
	nop
	movl	$0, -4(%rbp)
	movl	$0, trail(%rip)
.Ltmp67:
# %bb.1:
.Ltmp68:
.Ltmp60:
	callq	middle
.Ltmp61:
.Ltmp69:
	jmp	.LBB9_5
.LBB9_2:
.Ltmp70:
	nop
	movl	%eax, -8(%rbp)
	movl	-8(%rbp), %eax
	movl	%eax, -4(%rbp)
.Ltmp62:
	movl	$5, %ecx
	callq	step
.Ltmp63:
.Ltmp71:
# %bb.3:
.Ltmp72:
.Ltmp64:
	movl	$-1073741789, %ecx              # imm = 0xC0000023
	callq	spoil
.Ltmp65:
.Ltmp73:
.LBB9_5:
.Ltmp76:
	movl	$1, %eax
	cmpl	$-1073741790, -4(%rbp)          # imm = 0xC0000022
.Ltmp77:
	jne	.LBB9_8
# %bb.6:
.Ltmp78:
	nop
	movl	trail(%rip), %ecx
	xorl	%eax, %eax
	cmpl	$123456, %ecx                   # imm = 0x1E240
.Ltmp79:
	je	.LBB9_8
# %bb.7:
.Ltmp80:
	nop
	movl	trail(%rip), %eax
.Ltmp81:
.LBB9_8:
.Ltmp82:
.Ltmp83:
	addq	$48, %rsp
	popq	%rbp
	retq
.LBB9_4:
.Ltmp74:
	nop
	movl	trail(%rip), %eax
	leal	(%rax,%rax,4), %eax
	leal	6(,%rax,2), %eax
	movl	%eax, trail(%rip)
.Ltmp75:
	jmp	.LBB9_5
.Lfunc_end2:
	.seh_handlerdata
.set .Lseh_nested$parent_frame_offset, 48
	.long	(.Llsda_end2-.Llsda_begin2)/16  # Number of call sites
.Llsda_begin2:
	.long	.Ltmp68@IMGREL                  # LabelStart
	.long	.Ltmp61@IMGREL+1                # LabelEnd
	.long	"?filt$1@0@seh_nested@@"@IMGREL # FilterFunction
	.long	.LBB9_2@IMGREL                  # ExceptionHandler
	.long	.Ltmp68@IMGREL                  # LabelStart
	.long	.Ltmp61@IMGREL+1                # LabelEnd
	.long	"?filt$0@0@seh_nested@@"@IMGREL # FilterFunction
	.long	.LBB9_4@IMGREL                  # ExceptionHandler
	.long	.Ltmp70@IMGREL                  # LabelStart
	.long	.Ltmp65@IMGREL+1                # LabelEnd
	.long	"?filt$0@0@seh_nested@@"@IMGREL # FilterFunction
	.long	.LBB9_4@IMGREL                  # ExceptionHandler
.Llsda_end2:
	.text
	.seh_endproc
                                        # -- End function
	.def	"?filt$0@0@seh_nested@@";
	.scl	3;
	.type	32;
	.endef
	.p2align	4, 0x90                         # -- Begin function ?filt$0@0@seh_nested@@
"?filt$0@0@seh_nested@@":               # @"?filt$0@0@seh_nested@@"
# %bb.0:
	movq	(%rcx), %rcx
	xorl	%eax, %eax
	cmpl	$-1073741789, (%rcx)            # imm = 0xC0000023
	sete	%al
	retq
                                        # -- End function
	.def	"?filt$1@0@seh_nested@@";
	.scl	3;
	.type	32;
	.endef
	.p2align	4, 0x90                         # -- Begin function ?filt$1@0@seh_nested@@
"?filt$1@0@seh_nested@@":               # @"?filt$1@0@seh_nested@@"
# %bb.0:
	movq	(%rcx), %rax
	movl	(%rax), %ecx
	movl	trail(%rip), %eax
	leal	(%rax,%rax,4), %eax
	leal	2(,%rax,2), %eax
	movl	%eax, trail(%rip)
	xorl	%eax, %eax
	cmpl	$-1073741790, %ecx              # imm = 0xC0000022
	sete	%al
	retq
                                        # -- End function
	.def	middle;
	.scl	3;
	.type	32;
	.endef
	.p2align	4, 0x90                         # -- Begin function middle
middle:                                 # @middle
.Lfunc_begin3:
.seh_proc middle
	.seh_handler __C_specific_handler, @unwind, @except
# %bb.0:
	pushq	%rbp
	.seh_pushreg %rbp
	subq	$32, %rsp
	.seh_stackalloc 32
	leaq	32(%rsp), %rbp
	.seh_setframe %rbp, 32
	.seh_endprologue
# %bb.1:
.Ltmp86:
.Ltmp84:
	callq	inner
.Ltmp85:
.Ltmp87:
# %bb.2:
.Ltmp88:
	nop
	movl	trail(%rip), %eax
	leal	(%rax,%rax,4), %eax
	leal	4(,%rax,2), %eax
	movl	%eax, trail(%rip)
.Ltmp89:
	addq	$32, %rsp
	popq	%rbp
	retq
	.seh_handlerdata
.set .Lmiddle$parent_frame_offset, 32
	.long	(.Llsda_end3-.Llsda_begin3)/16  # Number of call sites
.Llsda_begin3:
	.long	.Ltmp86@IMGREL                  # LabelStart
	.long	.Ltmp85@IMGREL+1                # LabelEnd
	.long	"?dtor$3@?0?middle@4HA"@IMGREL  # FinallyFunclet
	.long	0                               # Null
.Llsda_end3:
	.text
	.seh_endproc
	.def	"?dtor$3@?0?middle@4HA";
	.scl	3;
	.type	32;
	.endef
	.p2align	4, 0x90
"?dtor$3@?0?middle@4HA":
.seh_proc "?dtor$3@?0?middle@4HA"
.LBB12_3:                               # Block address taken
	movq	%rdx, 16(%rsp)
	pushq	%rbp
	.seh_pushreg %rbp
	subq	$32, %rsp
	.seh_stackalloc 32
	leaq	32(%rdx), %rbp
	.seh_endprologue
.Ltmp90:
	nop
	movl	trail(%rip), %eax
	leal	(%rax,%rax,4), %eax
	leal	4(%rax,%rax), %eax
	movl	%eax, trail(%rip)
.Ltmp91:
	addq	$32, %rsp
	popq	%rbp
	retq                                    # CLEANUPRET
.Lfunc_end3:
	.seh_handlerdata
	.text
	.seh_endproc
                                        # -- End function
	.def	spoil;
	.scl	3;
	.type	32;
	.endef
	.p2align	4, 0x90                         # -- Begin function spoil
spoil:                                  # @spoil
.seh_proc spoil
# %bb.0:
	pushq	%r15
	.seh_pushreg %r15
	pushq	%r14
	.seh_pushreg %r14
	pushq	%r13
	.seh_pushreg %r13
	pushq	%r12
	.seh_pushreg %r12
	pushq	%rsi
	.seh_pushreg %rsi
	pushq	%rdi
	.seh_pushreg %rdi
	pushq	%rbx
	.seh_pushreg %rbx
	subq	$80, %rsp
	.seh_stackalloc 80
	movaps	%xmm15, 64(%rsp)                # 16-byte Spill
	.seh_savexmm %xmm15, 64
	movaps	%xmm7, 48(%rsp)                 # 16-byte Spill
	.seh_savexmm %xmm7, 48
	movaps	%xmm6, 32(%rsp)                 # 16-byte Spill
	.seh_savexmm %xmm6, 32
	.seh_endprologue
	#APP
	xorl	%ebx, %ebx
	xorl	%esi, %esi
	xorl	%edi, %edi
	xorl	%r12d, %r12d
	xorl	%r13d, %r13d
	xorl	%r14d, %r14d
	xorl	%r15d, %r15d
	pxor	%xmm6, %xmm6
	pxor	%xmm7, %xmm7
	pxor	%xmm15, %xmm15
	#NO_APP
	movl	zero(%rip), %eax
	cmpl	%ecx, %eax
	jne	.LBB13_2
# %bb.1:
	movaps	32(%rsp), %xmm6                 # 16-byte Reload
	movaps	48(%rsp), %xmm7                 # 16-byte Reload
	movaps	64(%rsp), %xmm15                # 16-byte Reload
	addq	$80, %rsp
	popq	%rbx
	popq	%rdi
	popq	%rsi
	popq	%r12
	popq	%r13
	popq	%r14
	popq	%r15
	retq
.LBB13_2:
	callq	*__imp_ExRaiseStatus(%rip)
	int3
	.seh_endproc
                                        # -- End function
	.def	seh_registers;
	.scl	2;
	.type	32;
	.endef
	.globl	__real@3ff8000000000000         # -- Begin function seh_registers
	.section	.rdata,"dr",discard,__real@3ff8000000000000
	.p2align	3, 0x0
__real@3ff8000000000000:
	.quad	0x3ff8000000000000              # double 1.5
	.globl	__real@4004000000000000
	.section	.rdata,"dr",discard,__real@4004000000000000
	.p2align	3, 0x0
__real@4004000000000000:
	.quad	0x4004000000000000              # double 2.5
	.text
	.globl	seh_registers
	.p2align	4, 0x90
seh_registers:                          # @seh_registers
.Lfunc_begin4:
.seh_proc seh_registers
	.seh_handler __C_specific_handler, @unwind, @except
# %bb.0:
	pushq	%rbp
	.seh_pushreg %rbp
	pushq	%r14
	.seh_pushreg %r14
	pushq	%rsi
	.seh_pushreg %rsi
	pushq	%rbx
	.seh_pushreg %rbx
	subq	$72, %rsp
	.seh_stackalloc 72
	leaq	64(%rsp), %rbp
	.seh_setframe %rbp, 64
	movaps	%xmm7, -16(%rbp)                # 16-byte Spill
	.seh_savexmm %xmm7, 48
	movaps	%xmm6, -32(%rbp)                # 16-byte Spill
	.seh_savexmm %xmm6, 32
	.seh_endprologue
.Ltmp94:
	nop
	movl	trail(%rip), %eax
	xorps	%xmm7, %xmm7
	cvtsi2sd	%rax, %xmm7
	addsd	__real@3ff8000000000000(%rip), %xmm7
	movl	trail(%rip), %eax
	xorps	%xmm6, %xmm6
	cvtsi2sd	%rax, %xmm6
	addsd	__real@4004000000000000(%rip), %xmm6
	movl	$4369, %ebx                     # imm = 0x1111
	movl	$8738, %esi                     # imm = 0x2222
	movl	$13107, %r14d                   # imm = 0x3333
	#APP
	#NO_APP
.Ltmp95:
# %bb.1:
.Ltmp96:
.Ltmp92:
	movl	$-1073741823, %ecx              # imm = 0xC0000001
	callq	spoil
.Ltmp93:
.Ltmp97:
.LBB14_3:
.Ltmp98:
	#APP
	#NO_APP
	xorq	$4369, %rbx                     # imm = 0x1111
	xorq	$8738, %rsi                     # imm = 0x2222
	orq	%rbx, %rsi
	xorq	$13107, %r14                    # imm = 0x3333
	movl	$1, %eax
	orq	%rsi, %r14
.Ltmp99:
	jne	.LBB14_7
# %bb.4:
.Ltmp100:
	nop
	movl	trail(%rip), %eax
	cvtsi2sd	%rax, %xmm0
	addsd	__real@3ff8000000000000(%rip), %xmm0
	ucomisd	%xmm0, %xmm7
.Ltmp101:
	jne	.LBB14_5
	jp	.LBB14_5
# %bb.6:
.Ltmp102:
	nop
	movl	trail(%rip), %eax
	xorps	%xmm0, %xmm0
	cvtsi2sd	%rax, %xmm0
	addsd	__real@4004000000000000(%rip), %xmm0
	cmpneqsd	%xmm0, %xmm6
	movq	%xmm6, %rax
	andl	$1, %eax
	addl	%eax, %eax
.Ltmp103:
	jmp	.LBB14_7
.LBB14_5:
	movl	$2, %eax
.LBB14_7:
                                        # kill: def $eax killed $eax killed $rax
	movaps	-32(%rbp), %xmm6                # 16-byte Reload
	movaps	-16(%rbp), %xmm7                # 16-byte Reload
	addq	$72, %rsp
	popq	%rbx
	popq	%rsi
	popq	%r14
	popq	%rbp
	retq
.LBB14_2:
	jmp	.LBB14_3
.Lfunc_end4:
	.seh_handlerdata
.set .Lseh_registers$parent_frame_offset, 64
	.long	(.Llsda_end4-.Llsda_begin4)/16  # Number of call sites
.Llsda_begin4:
	.long	.Ltmp96@IMGREL                  # LabelStart
	.long	.Ltmp93@IMGREL+1                # LabelEnd
	.long	1                               # CatchAll
	.long	.LBB14_2@IMGREL                 # ExceptionHandler
.Llsda_end4:
	.text
	.seh_endproc
                                        # -- End function
	.def	seh_codes;
	.scl	2;
	.type	32;
	.endef
	.globl	seh_codes                       # -- Begin function seh_codes
	.p2align	4, 0x90
seh_codes:                              # @seh_codes
.seh_proc seh_codes
# %bb.0:
	pushq	%r15
	.seh_pushreg %r15
	pushq	%r14
	.seh_pushreg %r14
	pushq	%r12
	.seh_pushreg %r12
	pushq	%rsi
	.seh_pushreg %rsi
	pushq	%rdi
	.seh_pushreg %rdi
	pushq	%rbp
	.seh_pushreg %rbp
	pushq	%rbx
	.seh_pushreg %rbx
	subq	$32, %rsp
	.seh_stackalloc 32
	.seh_endprologue
	movq	%r8, %rsi
	movq	%rdx, %rdi
	movq	%rcx, %r14
	xorl	%ebp, %ebp
	xorl	%ecx, %ecx
	movq	%r14, %rdx
	callq	code_of
	cmpl	$-1073741676, %eax              # imm = 0xC0000094
	jne	.LBB15_1
# %bb.4:
	xorl	%r15d, %r15d
	leaq	seh_codes.expected(%rip), %r12
	.p2align	4, 0x90
.LBB15_5:                               # =>This Inner Loop Header: Depth=1
	cmpq	$8, %r15
	je	.LBB15_6
# %bb.2:                                #   in Loop: Header=BB15_5 Depth=1
	leaq	1(%r15), %rbx
	movl	%ebx, %ecx
	movq	%r14, %rdx
	callq	code_of
	cmpl	4(%r12,%r15,4), %eax
	movq	%rbx, %r15
	je	.LBB15_5
# %bb.3:
	leaq	-1(%rbx), %rax
	cmpq	$8, %rax
	setae	%bpl
	incl	%ebx
	testb	%bpl, %bpl
	jne	.LBB15_8
	jmp	.LBB15_12
.LBB15_1:
	movl	$1, %ebx
	testb	%bpl, %bpl
	jne	.LBB15_8
	jmp	.LBB15_12
.LBB15_6:
	setae	%bpl
                                        # implicit-def: $ebx
	testb	%bpl, %bpl
	je	.LBB15_12
.LBB15_8:
	movl	$6, %ecx
	movq	%rdi, %rdx
	callq	code_of
	movl	$20, %ebx
	testl	%eax, %eax
	jne	.LBB15_12
# %bb.9:
	movl	$7, %ecx
	movq	%rdi, %rdx
	callq	code_of
	testl	%eax, %eax
	jne	.LBB15_12
# %bb.10:
	movl	$6, %ecx
	movq	%rsi, %rdx
	callq	code_of
	movl	$21, %ebx
	testl	%eax, %eax
	jne	.LBB15_12
# %bb.11:
	movl	$7, %ecx
	movq	%rsi, %rdx
	callq	code_of
	xorl	%ecx, %ecx
	cmpl	$-1073741819, %eax              # imm = 0xC0000005
	movl	$21, %ebx
	cmovel	%ecx, %ebx
.LBB15_12:
	movl	%ebx, %eax
	addq	$32, %rsp
	popq	%rbx
	popq	%rbp
	popq	%rdi
	popq	%rsi
	popq	%r12
	popq	%r14
	popq	%r15
	retq
	.seh_endproc
                                        # -- End function
	.def	code_of;
	.scl	3;
	.type	32;
	.endef
	.p2align	4, 0x90                         # -- Begin function code_of
code_of:                                # @code_of
.Lfunc_begin5:
.seh_proc code_of
	.seh_handler __C_specific_handler, @unwind, @except
# %bb.0:
	pushq	%rbp
	.seh_pushreg %rbp
	subq	$64, %rsp
	.seh_stackalloc 64
	leaq	64(%rsp), %rbp
	.seh_setframe %rbp, 64
	.seh_endprologue
.Ltmp122:
	nop
	movq	%rdx, -16(%rbp)
	movl	%ecx, -20(%rbp)
.Ltmp123:
# %bb.1:
.Ltmp124:
	nop
	movl	-20(%rbp), %eax
	cmpq	$8, %rax
.Ltmp125:
	ja	.LBB16_15
# %bb.2:
.Ltmp126:
	leaq	.LJTI16_0(%rip), %rcx
	movslq	(%rcx,%rax,4), %rax
	addq	%rcx, %rax
.Ltmp127:
	jmpq	*%rax
.LBB16_3:
.Ltmp128:
	nop
	movl	zero(%rip), %ecx
.Ltmp120:
	callq	divide
.Ltmp121:
.Ltmp129:
# %bb.4:
.Ltmp130:
	nop
	movl	%eax, -4(%rbp)
.Ltmp131:
	jmp	.LBB16_17
.LBB16_14:
.Ltmp146:
.Ltmp104:
	callq	read.specialized.1
.Ltmp105:
.Ltmp147:
	jmp	.LBB16_15
.LBB16_12:
.Ltmp142:
	nop
	movq	-16(%rbp), %rcx
.Ltmp108:
	movl	$64, %edx
	movl	$1, %r8d
	callq	*__imp_ProbeForRead(%rip)
.Ltmp109:
.Ltmp143:
	jmp	.LBB16_15
.LBB16_11:
.Ltmp140:
	nop
	movq	-16(%rbp), %rcx
	incq	%rcx
.Ltmp110:
	movl	$4, %edx
	movl	$4, %r8d
	callq	*__imp_ProbeForRead(%rip)
.Ltmp111:
.Ltmp141:
	jmp	.LBB16_15
.LBB16_6:
.Ltmp134:
	nop
	movq	nowhere(%rip), %rax
.Ltmp116:
	callq	*%rax
.Ltmp117:
.Ltmp135:
	jmp	.LBB16_15
.LBB16_5:
.Ltmp132:
.Ltmp118:
	callq	stop
.Ltmp119:
.Ltmp133:
	jmp	.LBB16_15
.LBB16_13:
.Ltmp144:
	nop
	movq	-16(%rbp), %rcx
.Ltmp106:
	movl	$64, %edx
	movl	$1, %r8d
	callq	*__imp_ProbeForWrite(%rip)
.Ltmp107:
.Ltmp145:
.LBB16_15:
.Ltmp150:
	nop
	movl	$0, -4(%rbp)
.Ltmp151:
.LBB16_17:
.Ltmp152:
	nop
	movl	-4(%rbp), %eax
.Ltmp153:
	addq	$64, %rsp
	popq	%rbp
	retq
.LBB16_9:
.Ltmp138:
.Ltmp112:
	nop
	callq	*__imp_ExRaiseDatatypeMisalignment(%rip)
.Ltmp113:
.Ltmp139:
# %bb.10:
.LBB16_7:
.Ltmp136:
.Ltmp114:
	nop
	callq	*__imp_ExRaiseAccessViolation(%rip)
.Ltmp115:
.Ltmp137:
# %bb.8:
.LBB16_16:
.Ltmp148:
	nop
	movl	%eax, -4(%rbp)
.Ltmp149:
	jmp	.LBB16_17
.Lfunc_end5:
	.section	.rdata,"dr"
	.p2align	2, 0x0
.LJTI16_0:
	.long	.LBB16_3-.LJTI16_0
	.long	.LBB16_5-.LJTI16_0
	.long	.LBB16_6-.LJTI16_0
	.long	.LBB16_7-.LJTI16_0
	.long	.LBB16_9-.LJTI16_0
	.long	.LBB16_11-.LJTI16_0
	.long	.LBB16_12-.LJTI16_0
	.long	.LBB16_13-.LJTI16_0
	.long	.LBB16_14-.LJTI16_0
	.seh_handlerdata
.set .Lcode_of$parent_frame_offset, 64
	.long	(.Llsda_end5-.Llsda_begin5)/16  # Number of call sites
.Llsda_begin5:
	.long	.Ltmp124@IMGREL                 # LabelStart
	.long	.Ltmp107@IMGREL+1               # LabelEnd
	.long	1                               # CatchAll
	.long	.LBB16_16@IMGREL                # ExceptionHandler
	.long	.Ltmp138@IMGREL                 # LabelStart
	.long	.Ltmp115@IMGREL+1               # LabelEnd
	.long	1                               # CatchAll
	.long	.LBB16_16@IMGREL                # ExceptionHandler
.Llsda_end5:
	.text
	.seh_endproc
                                        # -- End function
	.def	seh_copy;
	.scl	2;
	.type	32;
	.endef
	.globl	seh_copy                        # -- Begin function seh_copy
	.p2align	4, 0x90
seh_copy:                               # @seh_copy
.Lfunc_begin6:
.seh_proc seh_copy
	.seh_handler __C_specific_handler, @unwind, @except
# %bb.0:
	pushq	%rbp
	.seh_pushreg %rbp
	subq	$80, %rsp
	.seh_stackalloc 80
	leaq	80(%rsp), %rbp
	.seh_setframe %rbp, 80
	.seh_endprologue
.Ltmp156:
	nop
	movq	%rcx, -8(%rbp)
	movl	$0, trail(%rip)
.Ltmp157:
# %bb.1:
.Ltmp158:
	nop
	movq	low(%rip), %rax
	movups	(%rax), %xmm0
	movups	16(%rax), %xmm1
	movaps	%xmm1, -32(%rbp)
	movaps	%xmm0, -48(%rbp)
.Ltmp159:
.LBB17_3:
.Ltmp162:
	nop
	movq	-8(%rbp), %rax
	movaps	-48(%rbp), %xmm0
	movaps	-32(%rbp), %xmm1
	movups	%xmm1, 16(%rax)
	movups	%xmm0, (%rax)
.Ltmp154:
	movl	$3, %ecx
	callq	step
.Ltmp155:
.Ltmp163:
.LBB17_5:
.Ltmp166:
	nop
	movl	trail(%rip), %ecx
	xorl	%eax, %eax
	cmpl	$123, %ecx
.Ltmp167:
	je	.LBB17_7
# %bb.6:
.Ltmp168:
	nop
	movl	trail(%rip), %eax
.Ltmp169:
.LBB17_7:
.Ltmp170:
.Ltmp171:
	addq	$80, %rsp
	popq	%rbp
	retq
.LBB17_2:
.Ltmp160:
	nop
	movl	trail(%rip), %eax
	leal	(%rax,%rax,4), %eax
	leal	2(,%rax,2), %eax
	movl	%eax, trail(%rip)
.Ltmp161:
	jmp	.LBB17_3
.LBB17_4:
.Ltmp164:
	nop
	movl	trail(%rip), %eax
	leal	(%rax,%rax,4), %eax
	leal	9(,%rax,2), %eax
	movl	%eax, trail(%rip)
.Ltmp165:
	jmp	.LBB17_5
.Lfunc_end6:
	.seh_handlerdata
.set .Lseh_copy$parent_frame_offset, 80
	.long	(.Llsda_end6-.Llsda_begin6)/16  # Number of call sites
.Llsda_begin6:
	.long	.Ltmp158@IMGREL                 # LabelStart
	.long	.Ltmp159@IMGREL+1               # LabelEnd
	.long	"?filt$0@0@seh_copy@@"@IMGREL   # FilterFunction
	.long	.LBB17_2@IMGREL                 # ExceptionHandler
	.long	.Ltmp162@IMGREL                 # LabelStart
	.long	.Ltmp155@IMGREL+1               # LabelEnd
	.long	1                               # CatchAll
	.long	.LBB17_4@IMGREL                 # ExceptionHandler
.Llsda_end6:
	.text
	.seh_endproc
                                        # -- End function
	.def	"?filt$0@0@seh_copy@@";
	.scl	3;
	.type	32;
	.endef
	.p2align	4, 0x90                         # -- Begin function ?filt$0@0@seh_copy@@
"?filt$0@0@seh_copy@@":                 # @"?filt$0@0@seh_copy@@"
# %bb.0:
	movl	trail(%rip), %eax
	addl	%eax, %eax
	leal	(%rax,%rax,4), %eax
	incl	%eax
	movl	%eax, trail(%rip)
	movq	(%rcx), %rcx
	xorl	%eax, %eax
	cmpl	$-1073741819, (%rcx)            # imm = 0xC0000005
	jne	.LBB18_4
# %bb.1:
	movl	$1, %eax
	cmpl	$2, 24(%rcx)
	jne	.LBB18_4
# %bb.2:
	cmpq	$0, 32(%rcx)
	movl	$0, %eax
	je	.LBB18_3
.LBB18_4:
	retq
.LBB18_3:
	xorl	%eax, %eax
	cmpq	$16, 40(%rcx)
	sete	%al
	retq
                                        # -- End function
	.def	seh_continue;
	.scl	2;
	.type	32;
	.endef
	.globl	seh_continue                    # -- Begin function seh_continue
	.p2align	4, 0x90
seh_continue:                           # @seh_continue
.Lfunc_begin7:
.seh_proc seh_continue
	.seh_handler __C_specific_handler, @unwind, @except
# %bb.0:
	pushq	%rbp
	.seh_pushreg %rbp
	subq	$48, %rsp
	.seh_stackalloc 48
	leaq	48(%rsp), %rbp
	.seh_setframe %rbp, 48
	.seh_endprologue
# %bb.1:
.Ltmp174:
	nop
	movq	low(%rip), %rcx
.Ltmp172:
	callq	load
.Ltmp173:
.Ltmp175:
# %bb.2:
.Ltmp178:
	xorl	%ecx, %ecx
	cmpl	$42, %eax
	setne	%cl
	movl	%ecx, -4(%rbp)
.Ltmp179:
.LBB19_4:
.Ltmp180:
	nop
	movl	-4(%rbp), %eax
.Ltmp181:
	addq	$48, %rsp
	popq	%rbp
	retq
.LBB19_3:
.Ltmp176:
	nop
	movl	$2, -4(%rbp)
.Ltmp177:
	jmp	.LBB19_4
.Lfunc_end7:
	.seh_handlerdata
.set .Lseh_continue$parent_frame_offset, 48
	.long	(.Llsda_end7-.Llsda_begin7)/16  # Number of call sites
.Llsda_begin7:
	.long	.Ltmp174@IMGREL                 # LabelStart
	.long	.Ltmp179@IMGREL+1               # LabelEnd
	.long	"?filt$0@0@seh_continue@@"@IMGREL # FilterFunction
	.long	.LBB19_3@IMGREL                 # ExceptionHandler
.Llsda_end7:
	.text
	.seh_endproc
                                        # -- End function
	.def	"?filt$0@0@seh_continue@@";
	.scl	3;
	.type	32;
	.endef
	.p2align	4, 0x90                         # -- Begin function ?filt$0@0@seh_continue@@
"?filt$0@0@seh_continue@@":             # @"?filt$0@0@seh_continue@@"
# %bb.0:
	movq	8(%rcx), %rax
	leaq	good(%rip), %rcx
	movq	%rcx, 128(%rax)
	movl	$-1, %eax
	retq
                                        # -- End function
	.def	load;
	.scl	3;
	.type	32;
	.endef
	.p2align	4, 0x90                         # -- Begin function load
load:                                   # @load
# %bb.0:
	#APP
	movl	(%rcx), %eax
	#NO_APP
	retq
                                        # -- End function
	.def	seh_not_continuable;
	.scl	2;
	.type	32;
	.endef
	.globl	seh_not_continuable             # -- Begin function seh_not_continuable
	.p2align	4, 0x90
seh_not_continuable:                    # @seh_not_continuable
.Lfunc_begin8:
.seh_proc seh_not_continuable
	.seh_handler __C_specific_handler, @unwind, @except
# %bb.0:
	pushq	%rbp
	.seh_pushreg %rbp
	subq	$32, %rsp
	.seh_stackalloc 32
	leaq	32(%rsp), %rbp
	.seh_setframe %rbp, 32
	.seh_endprologue
# %bb.1:
.Ltmp184:
.Ltmp182:
	movl	$-1073741823, %ecx              # imm = 0xC0000001
	callq	*__imp_ExRaiseStatus(%rip)
.Ltmp183:
.Ltmp185:
# %bb.2:
.LBB22_3:
.Ltmp186:
	movl	$1, %eax
.Ltmp187:
	addq	$32, %rsp
	popq	%rbp
	retq
.Lfunc_end8:
	.seh_handlerdata
.set .Lseh_not_continuable$parent_frame_offset, 32
	.long	(.Llsda_end8-.Llsda_begin8)/16  # Number of call sites
.Llsda_begin8:
	.long	.Ltmp184@IMGREL                 # LabelStart
	.long	.Ltmp183@IMGREL+1               # LabelEnd
	.long	"?filt$0@0@seh_not_continuable@@"@IMGREL # FilterFunction
	.long	.LBB22_3@IMGREL                 # ExceptionHandler
.Llsda_end8:
	.text
	.seh_endproc
                                        # -- End function
	.def	"?filt$0@0@seh_not_continuable@@";
	.scl	3;
	.type	32;
	.endef
	.p2align	4, 0x90                         # -- Begin function ?filt$0@0@seh_not_continuable@@
"?filt$0@0@seh_not_continuable@@":      # @"?filt$0@0@seh_not_continuable@@"
# %bb.0:
	movl	$-1, %eax
	retq
                                        # -- End function
	.def	seh_unhandled;
	.scl	2;
	.type	32;
	.endef
	.globl	seh_unhandled                   # -- Begin function seh_unhandled
	.p2align	4, 0x90
seh_unhandled:                          # @seh_unhandled
.Lfunc_begin9:
.seh_proc seh_unhandled
	.seh_handler __C_specific_handler, @unwind, @except
# %bb.0:
	pushq	%rbp
	.seh_pushreg %rbp
	subq	$32, %rsp
	.seh_stackalloc 32
	leaq	32(%rsp), %rbp
	.seh_setframe %rbp, 32
	.seh_endprologue
# %bb.1:
.Ltmp190:
.Ltmp188:
	movl	$-1073741790, %ecx              # imm = 0xC0000022
	callq	spoil
.Ltmp189:
.Ltmp191:
	jmp	.LBB24_3
.LBB24_2:
.LBB24_3:
	movl	$1, %eax
	addq	$32, %rsp
	popq	%rbp
	retq
.Lfunc_end9:
	.seh_handlerdata
.set .Lseh_unhandled$parent_frame_offset, 32
	.long	(.Llsda_end9-.Llsda_begin9)/16  # Number of call sites
.Llsda_begin9:
	.long	.Ltmp190@IMGREL                 # LabelStart
	.long	.Ltmp189@IMGREL+1               # LabelEnd
	.long	"?filt$0@0@seh_unhandled@@"@IMGREL # FilterFunction
	.long	.LBB24_2@IMGREL                 # ExceptionHandler
.Llsda_end9:
	.text
	.seh_endproc
                                        # -- End function
	.def	"?filt$0@0@seh_unhandled@@";
	.scl	3;
	.type	32;
	.endef
	.p2align	4, 0x90                         # -- Begin function ?filt$0@0@seh_unhandled@@
"?filt$0@0@seh_unhandled@@":            # @"?filt$0@0@seh_unhandled@@"
# %bb.0:
	movq	(%rcx), %rcx
	xorl	%eax, %eax
	cmpl	$-1073741819, (%rcx)            # imm = 0xC0000005
	sete	%al
	retq
                                        # -- End function
	.def	seh_read;
	.scl	2;
	.type	32;
	.endef
	.globl	seh_read                        # -- Begin function seh_read
	.p2align	4, 0x90
seh_read:                               # @seh_read
.Lfunc_begin10:
.seh_proc seh_read
	.seh_handler __C_specific_handler, @unwind, @except
# %bb.0:
	pushq	%rbp
	.seh_pushreg %rbp
	subq	$48, %rsp
	.seh_stackalloc 48
	leaq	48(%rsp), %rbp
	.seh_setframe %rbp, 48
	.seh_endprologue
.Ltmp194:
	nop
	movq	%rcx, -8(%rbp)
.Ltmp195:
# %bb.1:
.Ltmp196:
	nop
	movq	-8(%rbp), %rcx
.Ltmp192:
	callq	read
.Ltmp193:
.Ltmp197:
# %bb.2:
.Ltmp198:
	movl	$1, %eax
.Ltmp199:
.LBB26_4:
	addq	$48, %rsp
	popq	%rbp
	retq
.LBB26_3:
.Ltmp200:
	xorl	%eax, %eax
.Ltmp201:
	jmp	.LBB26_4
.Lfunc_end10:
	.seh_handlerdata
.set .Lseh_read$parent_frame_offset, 48
	.long	(.Llsda_end10-.Llsda_begin10)/16 # Number of call sites
.Llsda_begin10:
	.long	.Ltmp196@IMGREL                 # LabelStart
	.long	.Ltmp199@IMGREL+1               # LabelEnd
	.long	1                               # CatchAll
	.long	.LBB26_3@IMGREL                 # ExceptionHandler
.Llsda_end10:
	.text
	.seh_endproc
                                        # -- End function
	.def	inner;
	.scl	3;
	.type	32;
	.endef
	.p2align	4, 0x90                         # -- Begin function inner
inner:                                  # @inner
.Lfunc_begin11:
.seh_proc inner
	.seh_handler __C_specific_handler, @unwind, @except
# %bb.0:
	pushq	%rbp
	.seh_pushreg %rbp
	subq	$48, %rsp
	.seh_stackalloc 48
	leaq	48(%rsp), %rbp
	.seh_setframe %rbp, 48
	.seh_endprologue
# %bb.1:
.Ltmp206:
.Ltmp202:
	movl	$-1073741790, %ecx              # imm = 0xC0000022
	callq	spoil
.Ltmp203:
.Ltmp207:
	jmp	.LBB27_3
.LBB27_2:
.Ltmp208:
	nop
	movl	%eax, -4(%rbp)
.Ltmp204:
	movl	$9, %ecx
	callq	step
.Ltmp205:
.Ltmp209:
.LBB27_3:
.Ltmp210:
	nop
	movl	trail(%rip), %eax
	leal	(%rax,%rax,4), %eax
	leal	3(,%rax,2), %eax
	movl	%eax, trail(%rip)
.Ltmp211:
	addq	$48, %rsp
	popq	%rbp
	retq
	.seh_handlerdata
.set .Linner$parent_frame_offset, 48
	.long	(.Llsda_end11-.Llsda_begin11)/16 # Number of call sites
.Llsda_begin11:
	.long	.Ltmp206@IMGREL                 # LabelStart
	.long	.Ltmp203@IMGREL+1               # LabelEnd
	.long	"?filt$0@0@inner@@"@IMGREL      # FilterFunction
	.long	.LBB27_2@IMGREL                 # ExceptionHandler
	.long	.Ltmp206@IMGREL                 # LabelStart
	.long	.Ltmp203@IMGREL+1               # LabelEnd
	.long	"?dtor$4@?0?inner@4HA"@IMGREL   # FinallyFunclet
	.long	0                               # Null
	.long	.Ltmp208@IMGREL                 # LabelStart
	.long	.Ltmp205@IMGREL+1               # LabelEnd
	.long	"?dtor$4@?0?inner@4HA"@IMGREL   # FinallyFunclet
	.long	0                               # Null
.Llsda_end11:
	.text
	.seh_endproc
	.def	"?dtor$4@?0?inner@4HA";
	.scl	3;
	.type	32;
	.endef
	.p2align	4, 0x90
"?dtor$4@?0?inner@4HA":
.seh_proc "?dtor$4@?0?inner@4HA"
.LBB27_4:                               # Block address taken
	movq	%rdx, 16(%rsp)
	pushq	%rbp
	.seh_pushreg %rbp
	subq	$32, %rsp
	.seh_stackalloc 32
	leaq	48(%rdx), %rbp
	.seh_endprologue
.Ltmp212:
	nop
	movl	trail(%rip), %eax
	leal	(%rax,%rax,4), %eax
	leal	3(%rax,%rax), %eax
	movl	%eax, trail(%rip)
.Ltmp213:
	addq	$32, %rsp
	popq	%rbp
	retq                                    # CLEANUPRET
.Lfunc_end11:
	.seh_handlerdata
	.text
	.seh_endproc
                                        # -- End function
	.def	"?filt$0@0@inner@@";
	.scl	3;
	.type	32;
	.endef
	.p2align	4, 0x90                         # -- Begin function ?filt$0@0@inner@@
"?filt$0@0@inner@@":                    # @"?filt$0@0@inner@@"
# %bb.0:
	movl	trail(%rip), %eax
	addl	%eax, %eax
	leal	(%rax,%rax,4), %eax
	incl	%eax
	movl	%eax, trail(%rip)
	xorl	%eax, %eax
	retq
                                        # -- End function
	.def	divide;
	.scl	3;
	.type	32;
	.endef
	.p2align	4, 0x90                         # -- Begin function divide
divide:                                 # @divide
# %bb.0:
	movl	$100, %eax
	xorl	%edx, %edx
	divl	%ecx
	retq
                                        # -- End function
	.def	stop;
	.scl	3;
	.type	32;
	.endef
	.p2align	4, 0x90                         # -- Begin function stop
stop:                                   # @stop
# %bb.0:
	#APP
	int3
	#NO_APP
	retq
                                        # -- End function
	.def	read.specialized.1;
	.scl	3;
	.type	32;
	.endef
	.p2align	4, 0x90                         # -- Begin function read.specialized.1
read.specialized.1:                     # @read.specialized.1
# %bb.0:
	movabsq	$1311768467294899695, %rax      # imm = 0x1234567890ABCDEF
	movl	(%rax), %eax
	retq
                                        # -- End function
	.lcomm	trail,4,4                       # @trail
	.data
	.p2align	3, 0x0                          # @low
low:
	.quad	16

	.section	.rdata,"dr"
	.p2align	4, 0x0                          # @seh_codes.expected
seh_codes.expected:
	.long	3221225620                      # 0xc0000094
	.long	2147483651                      # 0x80000003
	.long	3221225477                      # 0xc0000005
	.long	3221225477                      # 0xc0000005
	.long	2147483650                      # 0x80000002
	.long	2147483650                      # 0x80000002
	.long	3221225477                      # 0xc0000005
	.long	3221225477                      # 0xc0000005
	.long	3221225477                      # 0xc0000005

	.lcomm	zero,4,4                        # @zero
	.lcomm	nowhere,8,8                     # @nowhere
	.data
	.p2align	2, 0x0                          # @good
good:
	.long	42                              # 0x2a

	.globl	_fltused
