#pragma once
#include <stdlib.h>
#include <yaml.h>

// A parser and its current event in one allocation: both are structs of unions, which C reads more plainly.
typedef struct {
  yaml_parser_t parser;
  yaml_event_t event;
} ph_yaml;

// Reads `count` bytes of UTF-8, which must outlive the result; NULL when there is no memory.
static inline ph_yaml *ph_yaml_open(const unsigned char *bytes, size_t count) {
  ph_yaml *yaml = calloc(1, sizeof(ph_yaml));
  if (!yaml) return NULL;
  if (!yaml_parser_initialize(&yaml->parser)) {
    free(yaml);
    return NULL;
  }
  yaml_parser_set_encoding(&yaml->parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&yaml->parser, bytes, count);
  return yaml;
}

static inline void ph_yaml_close(ph_yaml *yaml) {
  yaml_event_delete(&yaml->event);
  yaml_parser_delete(&yaml->parser);
  free(yaml);
}

// Moves to the next event and returns its type, -1 after an error.
static inline int ph_yaml_next(ph_yaml *yaml) {
  yaml_event_delete(&yaml->event);
  return yaml_parser_parse(&yaml->parser, &yaml->event) ? (int)yaml->event.type : -1;
}

// Of the current event, lines from 0.
static inline size_t ph_yaml_line(const ph_yaml *yaml) { return yaml->event.start_mark.line; }
static inline const unsigned char *ph_yaml_value(const ph_yaml *yaml) { return yaml->event.data.scalar.value; }
static inline size_t ph_yaml_length(const ph_yaml *yaml) { return yaml->event.data.scalar.length; }
static inline int ph_yaml_is_plain(const ph_yaml *yaml) {
  return yaml->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}
static inline const unsigned char *ph_yaml_anchor(const ph_yaml *yaml) {
  switch (yaml->event.type) {
    case YAML_ALIAS_EVENT: return yaml->event.data.alias.anchor;
    case YAML_SCALAR_EVENT: return yaml->event.data.scalar.anchor;
    case YAML_SEQUENCE_START_EVENT: return yaml->event.data.sequence_start.anchor;
    case YAML_MAPPING_START_EVENT: return yaml->event.data.mapping_start.anchor;
    default: return NULL;
  }
}

// Of the error.
static inline const char *ph_yaml_problem(const ph_yaml *yaml) { return yaml->parser.problem; }
static inline size_t ph_yaml_problem_line(const ph_yaml *yaml) { return yaml->parser.problem_mark.line; }
