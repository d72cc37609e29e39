/*===- device.c - What a call on a device checks and what it came to ---------------===*/

#include "runtime/internal.h"

const char *gradus_device_type_name(int32_t type) {
  return type == GRADUS_CPU ? "CPU" : type == GRADUS_CUDA ? "CUDA" : type == GRADUS_VULKAN ? "Vulkan" : "unknown";
}

gradus_status gradus_internal_check_device(const gradus_call_site *site) {
  int32_t const type = site->entry->device_type;
  const gradus_device *device = site->context != NULL ? site->context->device : NULL;
  if (type == GRADUS_CPU)
    return GRADUS_OK;
  if (device == NULL)
    return gradus_internal_fail(site, GRADUS_ERROR_DEVICE, gradus_internal_nowhere(), type, 0, "the context has no device, expected one of type {e} (%s)",
                                gradus_device_type_name(type));
  if (device->type != type)
    return gradus_internal_fail(site, GRADUS_ERROR_DEVICE, gradus_internal_nowhere(), type, device->type,
                                "the device of the context has type {g}, expected {e} (%s)", gradus_device_type_name(type));
  if (device->update == NULL || device->dispatch == NULL || device->scratch == NULL)
    return gradus_internal_fail(site, GRADUS_ERROR_NULL, gradus_internal_nowhere(), 0, 0, "a hook of the device is a null pointer", NULL);
  if ((device->values | device->report) % 8 != 0)
    return gradus_internal_fail(site, GRADUS_ERROR_ALIGNMENT, gradus_internal_nowhere(), 8, (double)((device->values | device->report) % 8),
                                "the address of the %s is {g} bytes past a multiple of {e}", device->values % 8 != 0 ? "values" : "report");
  return GRADUS_OK;
}

gradus_status gradus_internal_finish_device(const gradus_call_site *site, gradus_status status, const gradus_report *report) {
  const gradus_device *device = site->context->device;
  gradus_place place = gradus_internal_nowhere();
  const char *reason;
  if (status == GRADUS_ERROR_DEVICE && report->value == report->value) { /* the kernel leaves how long its loops would be */
    place.slot = report->slot;
    return gradus_internal_fail(site, status, place, (double)device->longest_loop, (double)(int64_t)report->value,
                                "the sizes make loops of up to {g} iterations, and the device ends those of {e} without an error; make this call on the CPU",
                                NULL);
  }
  if (status == GRADUS_OK && device->finish != NULL)
    status = (gradus_status)device->finish(device->user);
  if (status == GRADUS_OK)
    return GRADUS_OK;
  reason = device->reason != NULL ? device->reason(device->user) : NULL;
  return gradus_internal_fail(site, status, gradus_internal_nowhere(), 0, 0, "%s", reason != NULL ? reason : "the device could not record the work");
}

gradus_status gradus_device_result(const gradus_entry *entry, const gradus_context *context, const gradus_device_report *from,
                                   gradus_report *report) {
  gradus_call_site site;
  gradus_report own;
  if (entry == NULL || from == NULL)
    return GRADUS_ERROR_NULL;
  site.entry = entry;
  site.context = context;
  site.tensors = NULL;
  site.n_slots = 0;
  own.value = from->value;
  own.t = from->t;
  own.committed = from->committed;
  own.reserved = from->argument;
  own.slot = from->slot;
  own.element = from->element;
  own.what = from->what >= 0 && from->what < entry->n_guards ? entry->guards[from->what] : NULL;
  if (from->status == GRADUS_ERROR_NONFINITE)
    return gradus_internal_fail_guard(&site, &own, report);
  if (from->status != GRADUS_OK)
    return gradus_internal_fail_kernel(&site, (gradus_status)from->status, &own);
  if (report != NULL)
    *report = own;
  return GRADUS_OK;
}
