/* Opens a device of Vulkan without a header of it and without linking it, and is told where there is none. */
#include "gradus_vulkan.h"

#include <stdio.h>
#include <string.h>

static void complain(void *user, const gradus_error *error) {
  *(int *)user += 1;
  puts(error->message);
}

int main(void) {
  char const out[] = "there and back";
  char in[sizeof(out)];
  int errors = 0;
  gradus_context context = {0};
  gradus_vulkan_options options = {0};
  gradus_vulkan *vulkan;
  gradus_address address;
  context.user = &errors;
  context.error = complain;
  options.loader = "/nowhere/libvulkan.so.1";
  if (gradus_vulkan_open(&context, &options, &vulkan) != GRADUS_ERROR_DEVICE || errors != 1 || vulkan != NULL)
    return 1;
  if (gradus_vulkan_open(&context, NULL, &vulkan) != GRADUS_OK)
    return 2;
  if (gradus_vulkan_allocate(vulkan, sizeof(out), &address) != GRADUS_OK || gradus_vulkan_write(vulkan, address, out, sizeof(out)) != GRADUS_OK ||
      gradus_vulkan_read(vulkan, in, address, sizeof(in)) != GRADUS_OK)
    return 3;
  printf("%s: %s\n", gradus_vulkan_name(vulkan), in);
  gradus_vulkan_close(vulkan);
  return strcmp(in, out) == 0 ? 0 : 4;
}
