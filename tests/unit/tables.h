// SPDX-License-Identifier: BSD-3-Clause
// The test tables, one a file; each ends with an entry of zeros.
#pragma once

#include "tests/unit/unit.h"

extern const struct unit_test string_tests[];
extern const struct unit_test printf_tests[];
extern const struct unit_test container_tests[];
extern const struct unit_test elf_tests[];
extern const struct unit_test erofs_tests[];
extern const struct unit_test manifest_tests[];
extern const struct unit_test clock_tests[];
extern const struct unit_test crash_tests[];
extern const struct unit_test pages_tests[];
extern const struct unit_test address_space_tests[];
extern const struct unit_test patch_tests[];
extern const struct unit_test rollback_tests[];
