// Functions with structured exception handling, as a C compiler writes them.
//
// `seh.s` is what clang makes of this file, so that building the driver needs no C compiler:
//   clang-19 --target=x86_64-pc-windows-msvc -O1 -fasync-exceptions -funwind-tables -fno-ident -S -o - seh.c \
//     | sed '1,/^\t.file/d; /addrsig/d' > seh.s
// Each function returns 0 if everything went as the language promises, or the number of the first surprise.

typedef unsigned int u32;
typedef unsigned long long u64;

typedef struct {
    u32 code, flags;
    void *nested, *address;
    u32 count;
    u64 information[15];
} record;
typedef struct {
    record *exception;
    unsigned char *context;
} pointers;

#define INFORMATION() ((pointers *)_exception_info())
#define NOINLINE __attribute__((noinline))

__declspec(dllimport) __attribute__((noreturn)) void ExRaiseStatus(u32 status);
__declspec(dllimport) __attribute__((noreturn)) void ExRaiseAccessViolation(void);
__declspec(dllimport) __attribute__((noreturn)) void ExRaiseDatatypeMisalignment(void);
__declspec(dllimport) void ProbeForRead(const volatile void *address, u64 length, u32 alignment);
__declspec(dllimport) void ProbeForWrite(volatile void *address, u64 length, u32 alignment);
__declspec(dllimport) void *memcpy(void *to, const void *from, u64 count);

static volatile u32 trail;
static volatile u32 zero;
static int (*volatile nowhere)(void);
static int *volatile low = (int *)16;

static void step(u32 number) { trail = trail * 10 + number; }

static NOINLINE int read(volatile int *from) { return *from; }
static NOINLINE void write(volatile int *to) { *to = 7; }
static NOINLINE u32 divide(u32 by) { return 100 / by; }
static NOINLINE void stop(void) { __asm__ volatile("int3"); }

// Changes every register that belongs to the caller, and raises. The condition keeps the compiler from
// seeing that the call never returns: it would let the block behind the call begin at the return address, and
// count that address to both.
static NOINLINE void spoil(u32 status)
{
    __asm__ volatile(
        "xorl %%ebx, %%ebx\n\txorl %%esi, %%esi\n\txorl %%edi, %%edi\n\txorl %%r12d, %%r12d\n\t"
        "xorl %%r13d, %%r13d\n\txorl %%r14d, %%r14d\n\txorl %%r15d, %%r15d\n\t"
        "pxor %%xmm6, %%xmm6\n\tpxor %%xmm7, %%xmm7\n\tpxor %%xmm15, %%xmm15"
        ::: "rbx", "rsi", "rdi", "r12", "r13", "r14", "r15", "xmm6", "xmm7", "xmm15");
    if (status != zero)
        ExRaiseStatus(status);
}

static int wants(pointers *given, u32 code, u64 action, u64 address)
{
    record *seen = given->exception;
    if (seen->code != code)
        return 0;
    if (code == 0xc0000005 && seen->count == 2)
        return seen->information[0] == action && seen->information[1] == address;
    return 1;
}

u32 seh_filter(void)
{
    u32 code = 0;
    trail = 0;
    __try {
        read(low);
        step(9);
    } __except (step(1), wants(INFORMATION(), 0xc0000005, 0, 16)) {
        code = _exception_code();
        step(2);
    }
    if (code != 0xc0000005)
        return 1;
    if (trail != 12)
        return 2;
    __try {
        write(low);
    } __except (wants(INFORMATION(), 0xc0000005, 1, 16)) {
        step(3);
    }
    return trail == 123 ? 0 : 3;
}

u32 seh_finally(void)
{
    trail = 0;
    __try {
        __try {
            step(1);
        } __finally {
            step(_abnormal_termination() ? 9 : 2);
        }
        __try {
            read(low);
        } __finally {
            step(_abnormal_termination() ? 3 : 9);
        }
        step(9);
    } __except (1) {
        step(4);
    }
    return trail == 1234 ? 0 : trail;
}

static NOINLINE void inner(void)
{
    __try {
        __try {
            spoil(0xc0000022);
        } __except (step(1), 0) {
            step(9);
        }
    } __finally {
        step(3);
    }
}

static NOINLINE void middle(void)
{
    __try {
        inner();
    } __finally {
        step(4);
    }
}

u32 seh_nested(void)
{
    u32 code = 0;
    trail = 0;
    __try {
        __try {
            middle();
        } __except (step(2), _exception_code() == 0xc0000022) {
            code = _exception_code();
            step(5);
            spoil(0xc0000023);
        }
    } __except (_exception_code() == 0xc0000023) {
        step(6);
    }
    if (code != 0xc0000022)
        return 1;
    return trail == 123456 ? 0 : trail;
}

u32 seh_registers(void)
{
    register u64 a __asm__("rbx") = 0x1111, b __asm__("rsi") = 0x2222, c __asm__("r14") = 0x3333;
    double x = 1.5 + trail, y = 2.5 + trail;
    __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+x"(x), "+x"(y));
    __try {
        spoil(0xc0000001);
    } __except (1) {
    }
    __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+x"(x), "+x"(y));
    if (a != 0x1111 || b != 0x2222 || c != 0x3333)
        return 1;
    return x == 1.5 + trail && y == 2.5 + trail ? 0 : 2;
}

static u32 code_of(u32 kind, void *address)
{
    __try {
        switch (kind) {
        case 0: return divide(zero);
        case 1: stop(); break;
        case 2: nowhere(); break;
        case 3: ExRaiseAccessViolation();
        case 4: ExRaiseDatatypeMisalignment();
        case 5: ProbeForRead((char *)address + 1, 4, 4); break;
        case 6: ProbeForRead(address, 64, 1); break;
        case 7: ProbeForWrite(address, 64, 1); break;
        case 8: read((int *)0x1234567890abcdef); break;
        }
    } __except (1) {
        return _exception_code();
    }
    return 0;
}

u32 seh_codes(void *pool, void *user, void *constant)
{
    static const u32 expected[] = {0xc0000094, 0x80000003, 0xc0000005, 0xc0000005,
                                   0x80000002, 0x80000002, 0xc0000005, 0xc0000005, 0xc0000005};
    for (u32 kind = 0; kind < 9; kind++)
        if (code_of(kind, pool) != expected[kind])
            return kind + 1;
    if (code_of(6, user) != 0 || code_of(7, user) != 0)
        return 20;
    // Reading is allowed without looking; writing looks.
    if (code_of(6, constant) != 0 || code_of(7, constant) != 0xc0000005)
        return 21;
    return 0;
}

u32 seh_copy(void *user)
{
    char here[32];
    trail = 0;
    __try {
        memcpy(here, low, 32);
    } __except (step(1), wants(INFORMATION(), 0xc0000005, 0, 16)) {
        step(2);
    }
    __try {
        memcpy(user, here, 32);
        step(3);
    } __except (1) {
        step(9);
    }
    return trail == 123 ? 0 : trail;
}

static int good = 42;

static int repair(pointers *given)
{
    // CONTEXT.Rcx
    *(u64 *)(given->context + 0x80) = (u64)&good;
    return -1;
}

static NOINLINE int load(int *from)
{
    int value;
    __asm__ volatile("movl (%1), %0" : "=a"(value) : "c"(from) : "memory");
    return value;
}

u32 seh_continue(void)
{
    __try {
        return load(low) == 42 ? 0 : 1;
    } __except (repair(INFORMATION())) {
        return 2;
    }
}

u32 seh_not_continuable(void)
{
    __try {
        ExRaiseStatus(0xc0000001);
    } __except (-1) {
    }
    return 1;
}

u32 seh_unhandled(void)
{
    __try {
        spoil(0xc0000022);
    } __except (_exception_code() == 0xc0000005) {
    }
    return 1;
}

u32 seh_read(int *address)
{
    __try {
        read(address);
    } __except (1) {
        return 0;
    }
    return 1;
}
