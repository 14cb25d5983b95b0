// SPDX-License-Identifier: BSD-3-Clause
// CPUID decoded. Programs choose code by the features named here, so only what a program can use is
// listed; what needs an operating system's consent shows as the host granted it (CPUID masks it).
#include "x86_64/cpu_info.h"

#include "base/string.h"
#include "x86_64/cpu.h"

enum { EAX, EBX, ECX, EDX };

static void read_names(struct cpu_info *out)
{
    u32 r[4];
    cpu_id(0, 0, r);
    out->level = r[EAX];
    memcpy(out->vendor, &r[EBX], 4);
    memcpy(out->vendor + 4, &r[EDX], 4);
    memcpy(out->vendor + 8, &r[ECX], 4);
    for (u32 i = 0; i < 3; i++) {
        cpu_id(0x80000002 + i, 0, r);
        memcpy(out->model_name + i * sizeof(r), r, sizeof(r));
    }
    char *start = out->model_name;
    while (*start == ' ')
        start++;
    memmove(out->model_name, start, strlen(start) + 1);
}

static u32 last_cache_kib(u32 leaf)
{
    u32 r[4], kib = 0;
    for (u32 i = 0; i < 8; i++) {
        cpu_id(leaf, i, r);
        if (!(r[EAX] & 31))
            break;
        u64 ways = (r[EBX] >> 22) + 1, parts = ((r[EBX] >> 12) & 0x3ff) + 1;
        u64 line = (r[EBX] & 0xfff) + 1, sets = (u64)r[ECX] + 1;
        kib = (u32)(ways * parts * line * sets >> 10);
    }
    return kib;
}

void cpu_info_get(struct cpu_info *out)
{
    u32 r[4];
    memset(out, 0, sizeof(*out));
    read_names(out);
    cpu_id(1, 0, r);
    out->stepping = r[EAX] & 15;
    out->model = (r[EAX] >> 4) & 15;
    out->family = (r[EAX] >> 8) & 15;
    if (out->family == 6 || out->family == 15)
        out->model |= (r[EAX] >> 12) & 0xf0;
    if (out->family == 15)
        out->family += (r[EAX] >> 20) & 0xff;
    out->line_size = ((r[EBX] >> 8) & 0xff) * 8;
    bool amd = !strcmp(out->vendor, "AuthenticAMD") || !strcmp(out->vendor, "HygonGenuine");
    if (amd || out->level >= 4)
        out->cache_kib = last_cache_kib(amd ? 0x8000001d : 4);
    cpu_id(0x80000008, 0, r);
    out->physical_bits = r[EAX] & 0xff;
    out->virtual_bits = (r[EAX] >> 8) & 0xff;
}

struct feature {
    u8 bit;
    char name[20];
};

static const struct feature leaf_1_edx[] = {
    {0, "fpu"},  {1, "vme"},   {2, "de"},    {3, "pse"},   {4, "tsc"},    {5, "msr"},
    {6, "pae"},  {7, "mce"},   {8, "cx8"},   {9, "apic"},  {11, "sep"},   {12, "mtrr"},
    {13, "pge"}, {14, "mca"},  {15, "cmov"}, {16, "pat"},  {17, "pse36"}, {19, "clflush"},
    {23, "mmx"}, {24, "fxsr"}, {25, "sse"},  {26, "sse2"}, {27, "ss"},    {28, "ht"},
};
static const struct feature leaf_1_ecx[] = {
    {0, "pni"},     {1, "pclmulqdq"},   {9, "ssse3"},   {12, "fma"},    {13, "cx16"},
    {17, "pcid"},   {19, "sse4_1"},     {20, "sse4_2"}, {21, "x2apic"}, {22, "movbe"},
    {23, "popcnt"}, {25, "aes"},        {26, "xsave"},  {28, "avx"},    {29, "f16c"},
    {30, "rdrand"}, {31, "hypervisor"},
};
static const struct feature leaf_7_ebx[] = {
    {0, "fsgsbase"},  {3, "bmi1"},     {5, "avx2"},        {7, "smep"},        {8, "bmi2"},
    {9, "erms"},      {10, "invpcid"}, {16, "avx512f"},    {17, "avx512dq"},   {18, "rdseed"},
    {19, "adx"},      {20, "smap"},    {21, "avx512ifma"}, {23, "clflushopt"}, {24, "clwb"},
    {28, "avx512cd"}, {29, "sha_ni"},  {30, "avx512bw"},   {31, "avx512vl"},
};
static const struct feature leaf_7_ecx[] = {
    {1, "avx512vbmi"},
    {2, "umip"},
    {3, "pku"},
    {4, "ospke"},
    {6, "avx512_vbmi2"},
    {8, "gfni"},
    {9, "vaes"},
    {10, "vpclmulqdq"},
    {11, "avx512_vnni"},
    {12, "avx512_bitalg"},
    {14, "avx512_vpopcntdq"},
    {22, "rdpid"},
};
static const struct feature leaf_7_edx[] = {
    {4, "fsrm"},         {10, "md_clear"}, {14, "serialize"}, {22, "amx_bf16"},
    {23, "avx512_fp16"}, {24, "amx_tile"}, {25, "amx_int8"},
};
static const struct feature leaf_7_1_eax[] = {{4, "avx_vnni"}, {5, "avx512_bf16"}};
static const struct feature leaf_d_1_eax[] = {
    {0, "xsaveopt"},
    {1, "xsavec"},
    {2, "xgetbv1"},
    {3, "xsaves"},
};
static const struct feature leaf_81_edx[] = {
    {11, "syscall"}, {20, "nx"},     {22, "mmxext"}, {25, "fxsr_opt"},
    {26, "pdpe1gb"}, {27, "rdtscp"}, {29, "lm"},
};
static const struct feature leaf_81_ecx[] = {
    {0, "lahf_lm"}, {1, "cmp_legacy"},  {5, "abm"},
    {6, "sse4a"},   {7, "misalignsse"}, {8, "3dnowprefetch"},
};
static const struct feature leaf_80007_edx[] = {{8, "constant_tsc"}};
static const struct feature leaf_80008_ebx[] = {{0, "clzero"}, {9, "wbnoinvd"}};

static const struct leaf {
    u32 leaf, subleaf, reg;
    const struct feature *features;
    size_t count;
} leaves[] = {
    {1, 0, EDX, leaf_1_edx, array_count(leaf_1_edx)},
    {0x80000001, 0, EDX, leaf_81_edx, array_count(leaf_81_edx)},
    {0x80000007, 0, EDX, leaf_80007_edx, array_count(leaf_80007_edx)},
    {1, 0, ECX, leaf_1_ecx, array_count(leaf_1_ecx)},
    {0x80000001, 0, ECX, leaf_81_ecx, array_count(leaf_81_ecx)},
    {7, 0, EBX, leaf_7_ebx, array_count(leaf_7_ebx)},
    {13, 1, EAX, leaf_d_1_eax, array_count(leaf_d_1_eax)},
    {7, 1, EAX, leaf_7_1_eax, array_count(leaf_7_1_eax)},
    {0x80000008, 0, EBX, leaf_80008_ebx, array_count(leaf_80008_ebx)},
    {7, 0, ECX, leaf_7_ecx, array_count(leaf_7_ecx)},
    {7, 0, EDX, leaf_7_edx, array_count(leaf_7_edx)},
};

void cpu_feature_visit(void (*visit)(const char *name, void *arg), void *arg)
{
    u32 r[4], top[4], top_extended[4];
    cpu_id(0, 0, top);
    cpu_id(0x80000000, 0, top_extended);
    for (size_t i = 0; i < array_count(leaves); i++) {
        const struct leaf *l = &leaves[i];
        if (l->leaf > (l->leaf & 0x80000000 ? top_extended[EAX] : top[EAX]))
            continue;
        cpu_id(l->leaf, l->subleaf, r);
        for (size_t j = 0; j < l->count; j++) {
            if (r[l->reg] >> l->features[j].bit & 1)
                visit(l->features[j].name, arg);
        }
    }
}
