//===- DeviceTest.cpp - What a call on a device checks, and what it comes to -----===//
//
// The device is a record of the hooks that were called. All addresses are numbers: whoever reads them crashes.
//
//===----------------------------------------------------------------------===//

#include "runtime/gradus_device.h"
#include "test/runtime/Entry.h"

#include <gtest/gtest.h>

namespace {

constexpr gradus_address base = 0x7000'0000'0000;

struct Recorder {
  std::vector<std::string> lines;
  std::vector<uint64_t> memory;
  const char *reason = nullptr;
  int32_t answer = GRADUS_OK;
};

int32_t update(void *user, gradus_address to, const void *, size_t bytes) {
  static_cast<Recorder *>(user)->lines.push_back("update " + std::to_string(to - base) + " " + std::to_string(bytes));
  return GRADUS_OK;
}

int32_t dispatch(void *user, const gradus_device_module *module, int32_t kernel, uint64_t groups, gradus_address frame, uint64_t argument) {
  auto *self = static_cast<Recorder *>(user);
  self->lines.push_back(std::string(module->kernels[kernel]) + " " + std::to_string(groups) + " " + std::to_string(frame - base) + " " +
                        std::to_string(argument));
  return self->answer;
}

void *scratch(void *user, size_t bytes) {
  auto *self = static_cast<Recorder *>(user);
  self->lines.push_back("scratch " + std::to_string(bytes));
  self->memory.resize((bytes + 7) / 8);
  return self->memory.data();
}

const char *reason(void *user) { return static_cast<Recorder *>(user)->reason; }

/// Like a compiled host function: records, and returns what the hooks return.
int32_t record(const gradus_context *context, const double *hyper, uint64_t, uint64_t, const gradus_tensor *tensors, size_t slots, char *workspace,
               gradus_report *) {
  static const char *const kernels[] = {"half", "step"};
  static const gradus_device_module module = {7, 0, 2, nullptr, kernels};
  const gradus_device *device = context->device;
  int32_t status = device->update(device->user, gradus_to_address(workspace), hyper, 24);
  return status ? status : device->dispatch(device->user, &module, 1, slots, gradus_to_address(tensors[0].data), 5);
}

/// A call of the test entry on device 3, whose tensors lie 256 bytes apart.
struct DeviceCall {
  runtime_test::Call call;
  Recorder recorder;
  gradus_device device{&recorder, GRADUS_VULKAN, 3, update, dispatch, scratch, reason, base + 65536, base + 131072, nullptr, 0, nullptr, 0};
  gradus_context context{};
  gradus_error error{};
  const char *const guards[1] = {"the gradient of 'w'"};

  DeviceCall() {
    call.entry.device_type = GRADUS_VULKAN;
    call.entry.kernel = record;
    call.entry.n_guards = 1;
    call.entry.guards = guards;
    for (size_t k = 0; k < call.tensors.size(); ++k) {
      call.tensors[k].data = gradus_to_pointer(base + 256 * k);
      call.tensors[k].device_type = GRADUS_VULKAN;
      call.tensors[k].device_id = 3;
    }
    call.workspacePointer = gradus_to_pointer(base + 4096);
    context.user = this;
    context.error = [](void *user, const gradus_error *error) { static_cast<DeviceCall *>(user)->error = *error; };
    context.device = &device;
  }

  gradus_status run() {
    return gradus_call(&call.entry, &context, call.hyper.data(), 4, 0, call.tensors.data(), call.tensors.size() / 5, call.workspacePointer, 4096,
                       &call.report);
  }

  /// The message of a call that is refused with this code before anything is recorded.
  std::string refused(gradus_status expected) {
    gradus_status const got = run();
    if (got != expected)
      return std::string("status ") + gradus_status_name(got);
    for (const std::string &line : recorder.lines)
      if (line.rfind("scratch", 0) != 0)
        return "it recorded: " + line;
    return call.report.committed == -1 && call.report.t == 7 ? error.message : "it wrote the report";
  }
};

} // namespace

TEST(Device, recordsAndKnowsNoMoreThanT) {
  DeviceCall c;
  EXPECT_EQ(c.run(), GRADUS_OK) << c.error.message;
  EXPECT_EQ(c.recorder.lines, (std::vector<std::string>{"update 4096 24", "step 2 0 5"}));
  EXPECT_EQ(c.call.report.t, 4u);
  EXPECT_EQ(c.call.report.committed, -1);
  EXPECT_TRUE(std::isnan(c.call.report.value));
  EXPECT_EQ(c.call.report.element, -1);
  EXPECT_EQ(c.call.report.what, nullptr);
}

TEST(Device, mustBeThere) {
  DeviceCall c;
  c.context.device = nullptr;
  EXPECT_EQ(c.refused(GRADUS_ERROR_DEVICE), "adam_step: the context has no device, expected one of type 7 (Vulkan)");
  EXPECT_EQ(gradus_call(&c.call.entry, nullptr, nullptr, 4, 0, c.call.tensors.data(), 2, c.call.workspacePointer, 4096, nullptr), GRADUS_ERROR_DEVICE);
}

TEST(Device, mustBeOfTheTypeOfTheEntry) {
  DeviceCall c;
  c.device.type = GRADUS_CUDA;
  EXPECT_EQ(c.refused(GRADUS_ERROR_DEVICE), "adam_step: the device of the context has type 2, expected 7 (Vulkan)");
}

TEST(Device, mustHaveHooks) {
  for (int hook = 0; hook < 3; ++hook) {
    DeviceCall c;
    hook == 0 ? void(c.device.update = nullptr) : hook == 1 ? void(c.device.dispatch = nullptr) : void(c.device.scratch = nullptr);
    EXPECT_EQ(c.refused(GRADUS_ERROR_NULL), "adam_step: a hook of the device is a null pointer");
  }
}

TEST(Device, tensorsMustLieThere) {
  {
    DeviceCall c;
    c.call.tensors[6].device_type = GRADUS_CPU;
    EXPECT_EQ(c.refused(GRADUS_ERROR_DEVICE), "adam_step: argument 'g' of slot 1: this entry has no code for device type 1, expected 7 (Vulkan)");
  }
  {
    DeviceCall c;
    c.call.tensors[6].device_id = 0;
    EXPECT_EQ(c.refused(GRADUS_ERROR_DEVICE),
              "adam_step: argument 'g' of slot 1: its memory is that of device 0, expected 3, the device of the context");
  }
}

TEST(Device, anEntryOfTheCpuTakesNoOtherMemory) {
  DeviceCall c;
  c.call.entry.device_type = GRADUS_CPU;
  EXPECT_EQ(c.refused(GRADUS_ERROR_DEVICE), "adam_step: argument 'w' of slot 0: this entry has no code for device type 7, expected 1 (CPU)");
}

TEST(Device, anEntryOfTheCpuLooksAtNoDevice) {
  runtime_test::Call call;
  DeviceCall other;
  gradus_context context{};
  context.device = &other.device;
  auto const seed = static_cast<uint64_t>(reinterpret_cast<uintptr_t>(&call.answer));
  EXPECT_EQ(gradus_call(&call.entry, &context, nullptr, 1, seed, call.tensors.data(), 2, call.workspace.data(), 4096, nullptr), GRADUS_OK);
  EXPECT_TRUE(other.recorder.lines.empty());
}

TEST(Device, addressesAreAligned) {
  {
    DeviceCall c;
    c.device.values += 4;
    EXPECT_EQ(c.refused(GRADUS_ERROR_ALIGNMENT), "adam_step: the address of the values is 4 bytes past a multiple of 8");
  }
  {
    DeviceCall c;
    c.device.report += 1;
    EXPECT_EQ(c.refused(GRADUS_ERROR_ALIGNMENT), "adam_step: the address of the report is 1 bytes past a multiple of 8");
  }
  {
    DeviceCall c;
    c.call.tensors[3].data = gradus_to_pointer(base + 772);
    EXPECT_EQ(c.refused(GRADUS_ERROR_ALIGNMENT), "adam_step: argument 'x' of slot 0: its data is 4 bytes past a multiple of 8");
  }
}

TEST(Device, memoryOfTheCallIsComparedOnTheDevice) {
  {
    DeviceCall c;
    c.call.tensors[1].data = gradus_to_pointer(base + 4096 + 64);
    EXPECT_EQ(c.refused(GRADUS_ERROR_OVERLAP), "adam_step: argument 'g' of slot 0: it overlaps the workspace");
  }
  {
    DeviceCall c;
    c.call.tensors[1].data = gradus_to_pointer(base + 131072 + 40);
    EXPECT_EQ(c.refused(GRADUS_ERROR_OVERLAP), "adam_step: argument 'g' of slot 0: it overlaps the report of the device");
  }
  {
    DeviceCall c; // t, the seed and three hyper-parameters
    c.call.tensors[0].data = gradus_to_pointer(base + 65536 + 36);
    EXPECT_EQ(c.refused(GRADUS_ERROR_OVERLAP), "adam_step: argument 'w' of slot 0: it overlaps the values of the device");
    c.call.tensors[0].data = gradus_to_pointer(base + 65536 + 40);
    EXPECT_EQ(c.run(), GRADUS_OK);
  }
  {
    DeviceCall c;
    c.call.tensors[2].data = gradus_to_pointer(base + 16);
    EXPECT_EQ(c.refused(GRADUS_ERROR_OVERLAP), "adam_step: argument 'w' of slot 0: it is written and overlaps 'm' of slot 0");
  }
}

TEST(Device, manyBuffersAreSortedInMemoryOfTheDevicesObject) {
  DeviceCall c;
  for (size_t slot = 2; slot < 5; ++slot)
    for (size_t k = 0; k < 5; ++k) {
      gradus_tensor tensor = c.call.tensors[k];
      tensor.data = gradus_to_pointer(base + (1 << 20) + 256 * (5 * slot + 4 - k));
      c.call.tensors.push_back(tensor);
    }
  EXPECT_EQ(gradus_workspace(&c.call.entry, c.call.tensors.data(), 5), 100u); // the kernel's alone
  EXPECT_EQ(c.run(), GRADUS_OK) << c.error.message;
  EXPECT_EQ(c.recorder.lines, (std::vector<std::string>{"scratch 200", "update 4096 24", "step 5 0 5"}));
  c.recorder.lines.clear();
  c.call.report.committed = -1;
  c.call.report.t = 7;
  c.call.tensors[22].data = gradus_to_pointer(base + 260);
  EXPECT_EQ(c.refused(GRADUS_ERROR_OVERLAP), "adam_step: argument 'm' of slot 4: it is written and overlaps 'g' of slot 0");
  c.device.scratch = [](void *, size_t) -> void * { return nullptr; };
  EXPECT_EQ(c.refused(GRADUS_ERROR_WORKSPACE), "adam_step: the device has no memory for the checks, expected 200 bytes");
}

TEST(Device, saysWhyItCouldNotRecord) {
  DeviceCall c;
  c.recorder.answer = GRADUS_ERROR_DEVICE;
  EXPECT_EQ(c.run(), GRADUS_ERROR_DEVICE);
  EXPECT_STREQ(c.error.message, "adam_step: the device could not record the work");
  c.recorder.reason = "the module needs shaderFloat64, which the device does not have";
  EXPECT_EQ(c.run(), GRADUS_ERROR_DEVICE);
  EXPECT_STREQ(c.error.message, "adam_step: the module needs shaderFloat64, which the device does not have");
  EXPECT_EQ(c.call.report.t, 7u);
}

TEST(Device, saysThatItEndsLoops) {
  DeviceCall c;
  c.device.longest_loop = 65535;
  c.call.entry.kernel = [](const gradus_context *, const double *, uint64_t, uint64_t, const gradus_tensor *, size_t, char *, gradus_report *report) -> int32_t {
    report->value = 70000;
    report->slot = 1;
    return GRADUS_ERROR_DEVICE;
  };
  EXPECT_EQ(c.refused(GRADUS_ERROR_DEVICE),
            "adam_step: the sizes make loops of up to 70000 iterations, and the device ends those of 65535 without an error; make this call on the CPU");
  EXPECT_EQ(c.error.slot, 1u);
  gradus_device_report const from = {NAN, 4, 0, GRADUS_ERROR_DEVICE, 0, -1, -1, 0};
  EXPECT_EQ(gradus_device_result(&c.call.entry, &c.context, &from, nullptr), GRADUS_ERROR_DEVICE);
  EXPECT_STREQ(c.error.message, "adam_step: the device has ended loops of a kernel too early, so that what it has written is wrong; make this call on the CPU");
}

TEST(Device, resultIsThatOfACallOnTheCpu) {
  DeviceCall c;
  gradus_report report{};
  gradus_device_report from{0.5, 4, 1, GRADUS_OK, 0, -1, -1, 0};
  EXPECT_EQ(gradus_device_result(&c.call.entry, &c.context, &from, &report), GRADUS_OK);
  EXPECT_EQ(report.value, 0.5);
  EXPECT_EQ(report.t, 4u);
  EXPECT_EQ(report.committed, 1);
  EXPECT_EQ(gradus_device_result(&c.call.entry, nullptr, &from, nullptr), GRADUS_OK);

  from = {NAN, 4, 0, GRADUS_ERROR_NONFINITE, 1, 9, 0, 2};
  EXPECT_EQ(gradus_device_result(&c.call.entry, &c.context, &from, &report), GRADUS_ERROR_NONFINITE);
  EXPECT_STREQ(c.error.message, "adam_step: argument 'g' of slot 1: element 9 is not finite; nothing has moved");
  EXPECT_EQ(report.committed, 0);
  EXPECT_EQ(report.reserved, 2);
  EXPECT_EQ(report.slot, 1u);
  EXPECT_EQ(report.element, 9);
  EXPECT_STREQ(report.what, "the gradient of 'w'");

  from = {NAN, 4, 0, GRADUS_ERROR_NONFINITE, 0, -1, 0, 0};
  EXPECT_EQ(gradus_device_result(&c.call.entry, &c.context, &from, nullptr), GRADUS_ERROR_NONFINITE);
  EXPECT_STREQ(c.error.message, "adam_step: the gradient of 'w' is not finite; nothing has moved");
  from.what = 5; // what an entry does not have
  EXPECT_EQ(gradus_device_result(&c.call.entry, &c.context, &from, nullptr), GRADUS_ERROR_NONFINITE);
  EXPECT_STREQ(c.error.message, "adam_step: a number is not finite; nothing has moved");

  from = {12, 4, 0, GRADUS_ERROR_INDEX, 0, -1, -1, 5 + (1 << 16)};
  EXPECT_EQ(gradus_device_result(&c.call.entry, &c.context, &from, nullptr), GRADUS_ERROR_INDEX);
  EXPECT_STREQ(c.error.message, "adam_step: argument 'y' of slot 0: dimension 0 is left by the index 12");
  EXPECT_EQ(gradus_device_result(nullptr, nullptr, &from, nullptr), GRADUS_ERROR_NULL);
  EXPECT_EQ(gradus_device_result(&c.call.entry, nullptr, nullptr, nullptr), GRADUS_ERROR_NULL);
}

TEST(Device, typesHaveNames) {
  EXPECT_STREQ(gradus_device_type_name(GRADUS_CPU), "CPU");
  EXPECT_STREQ(gradus_device_type_name(GRADUS_CUDA), "CUDA");
  EXPECT_STREQ(gradus_device_type_name(GRADUS_VULKAN), "Vulkan");
  EXPECT_STREQ(gradus_device_type_name(99), "unknown");
}
