/*===- error.c - One sentence about what went wrong ----------------------------------===*
 *
 * The message is put together only when somebody listens, so that a refused call costs little.
 *
 *===----------------------------------------------------------------------------===*/

#include "runtime/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A text of limited length, always ended by NUL. */
typedef struct line {
  char *data;
  size_t size, used;
} line;

static void append(line *out, const char *text) {
  size_t length = strlen(text);
  size_t const room = out->size - out->used - 1;
  if (length > room)
    length = room;
  memcpy(out->data + out->used, text, length);
  out->used += length;
  out->data[out->used] = 0;
}

void gradus_internal_number(double value, char *buffer, size_t size) {
  char digits[40];
  size_t from, to = 0;
  if (size == 0)
    return;
  if (value >= -9.0e15 && value <= 9.0e15 && value == (double)(int64_t)value)
    (void)snprintf(digits, sizeof(digits), "%" PRId64, (int64_t)value);
  else if (value != value)
    (void)snprintf(digits, sizeof(digits), "nan");
  else
    (void)snprintf(digits, sizeof(digits), "%.9g", value);
  /* A locale may put other bytes, even several, where we want the point. */
  for (from = 0; digits[from] != 0 && to + 1 < size; ++from) {
    if (strchr("0123456789+-einfa", digits[from]) != NULL)
      buffer[to++] = digits[from];
    else if (to == 0 || buffer[to - 1] != '.')
      buffer[to++] = '.';
  }
  buffer[to] = 0;
}

static void appendNumber(line *out, double value) {
  char digits[40];
  gradus_internal_number(value, digits, sizeof(digits));
  append(out, digits);
}

/* Copies `format`; %s is the text, {e} and {g} are the numbers expected and got, {G} is the element type got. */
static void appendReason(line *out, const char *format, double expected, double got, const char *text) {
  char one[2] = {0, 0};
  while (*format != 0) {
    if (format[0] == '%' && format[1] == 's') {
      append(out, text);
      format += 2;
    } else if (format[0] == '{' && format[1] != 0 && format[2] == '}') {
      if (format[1] == 'G')
        append(out, gradus_dtype_name((int32_t)got));
      else
        appendNumber(out, format[1] == 'e' ? expected : got);
      format += 3;
    } else {
      one[0] = *format++;
      append(out, one);
    }
  }
}

/* "argument 'g' of slot 3: dimension 1 " */
static void appendPlace(line *out, const gradus_error *error, int showSlot) {
  char number[40];
  if (error->argument != NULL && error->status != (int32_t)GRADUS_ERROR_INTERVAL) { /* there the reason names it */
    append(out, "argument '");
    append(out, error->argument);
    append(out, "'");
    if (showSlot) {
      (void)snprintf(number, sizeof(number), " of slot %" PRIu64, (uint64_t)error->slot);
      append(out, number);
    }
    append(out, ": ");
  }
  if (error->dimension >= 0) {
    (void)snprintf(number, sizeof(number), "dimension %d ", (int)error->dimension);
    append(out, number);
  }
  if (error->element >= 0) {
    (void)snprintf(number, sizeof(number), "element %" PRId64 " ", error->element);
    append(out, number);
  }
}

gradus_status gradus_internal_report(const gradus_context *context, gradus_error *error, int show_slot, const char *format,
                                     const char *text) {
  line out;
  out.data = error->message;
  out.size = sizeof(error->message);
  out.used = 0;
  append(&out, error->entry);
  append(&out, ": ");
  appendPlace(&out, error, show_slot);
  appendReason(&out, format, error->expected, error->got, text != NULL ? text : "");
  context->error(context->user, error);
  return (gradus_status)error->status;
}

gradus_status gradus_internal_fail(const gradus_call_site *site, gradus_status status, gradus_place place, double expected,
                                   double got, const char *format, const char *text) {
  const gradus_entry *entry = site->entry;
  gradus_error error;
  if (site->context == NULL || site->context->error == NULL)
    return status;
  error.status = (int32_t)status;
  error.entry = entry != NULL ? entry->name : "gradus_call";
  error.argument = place.argument >= 0 ? entry->arguments[place.argument].name : NULL;
  error.slot = place.slot;
  error.dimension = place.dimension;
  error.element = place.element;
  error.expected = expected;
  error.got = got;
  return gradus_internal_report(site->context, &error, entry != NULL && entry->is_open, format, text);
}
