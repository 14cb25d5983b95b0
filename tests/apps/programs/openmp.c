// SPDX-License-Identifier: BSD-3-Clause
// OpenMP: teams, schedules, reductions, critical sections, barriers, tasks that depend on each other.
#include <omp.h>
#include <stdio.h>

static long fib(int n)
{
    long a, b;
    if (n < 12)
        return n < 2 ? n : fib(n - 1) + fib(n - 2);
#pragma omp task shared(a)
    a = fib(n - 1);
#pragma omp task shared(b)
    b = fib(n - 2);
#pragma omp taskwait
    return a + b;
}

int main(void)
{
    double sum = 0;
    long fibonacci = 0, ids = 0, singles = 0, chain = 0;
    omp_set_dynamic(0);
#pragma omp parallel for reduction(+ : sum) schedule(dynamic, 1000) num_threads(4)
    for (int i = 3000000; i > 0; i--)
        sum += 1.0 / i / i;
#pragma omp parallel num_threads(4)
    {
#pragma omp critical
        ids += omp_get_thread_num();
        for (int i = 0; i < 200; i++) {
#pragma omp barrier
#pragma omp single
            singles++;
        }
#pragma omp single
        fibonacci = fib(22);
#pragma omp single
        for (int i = 1; i <= 100; i++) {
#pragma omp task depend(inout : chain)
            chain = chain * 3 % 1000003 + i;
        }
    }
    printf("%.6f %ld %ld %ld %ld\n", sum, ids, singles, fibonacci, chain);
    return 0;
}
