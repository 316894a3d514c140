#pragma once
#include <sqlite3.h>

/// Turns on or off that the next VACUUM empties the database, however damaged it is. Returns SQLite's result code.
static inline int ph_sqlite_set_reset(sqlite3 *database, int on) {
  return sqlite3_db_config(database, SQLITE_DBCONFIG_RESET_DATABASE, on, (int *)0);
}
