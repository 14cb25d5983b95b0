// SPDX-License-Identifier: BSD-3-Clause
// Waits for a signal: what an idle program costs.
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    puts("hello, world");
    fclose(stdout);
    pause();
    return 0;
}
