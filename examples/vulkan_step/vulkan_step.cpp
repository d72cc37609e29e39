//===- vulkan_step.cpp - One train unit on the CPU and on a device of Vulkan ----------===//
//
// The step is recorded once and submitted for every step; t comes from memory of the device.
//
//===----------------------------------------------------------------------===//

#include "classifier.hpp"
#include "gradus_vulkan.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

namespace {

using gradus::View;
using gradus::classifier_spec::classifier_step;
using gradus::classifier_spec::classifier_step_vulkan;

constexpr int64_t rows = 4096, columns = 32;
constexpr uint64_t steps = 200;

/// Points on both sides of a plane, some on the wrong one.
struct Problem {
  std::vector<float> X = std::vector<float>(rows * columns), y = std::vector<float>(rows);

  Problem() {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    std::vector<float> plane(columns);
    for (float &x : plane)
      x = normal(random);
    for (int64_t i = 0; i < rows; ++i) {
      float side = normal(random);
      for (int64_t j = 0; j < columns; ++j) {
        X[i * columns + j] = normal(random);
        side += plane[j] * X[i * columns + j];
      }
      y[i] = side < 0 ? -1.0f : 1.0f;
    }
  }
};

struct Result {
  std::vector<float> w = std::vector<float>(columns);
  double loss = NAN;
};

void check(bool isFine, const char *what) {
  if (isFine)
    return;
  std::fprintf(stderr, "vulkan_step: %s\n", what);
  std::exit(1);
}

Result trainOnCpu(const Problem &problem) {
  Result result;
  std::vector<float> m(columns), v(columns); // the states start at 0
  classifier_step step;
  classifier_step_slot slot{};
  View w(result.w.data(), {columns}), wm(m.data(), {columns}), wv(v.data(), {columns}), X(problem.X.data(), {rows, columns}), y(problem.y.data(), {rows});
  slot.w = w;
  slot.w_m = wm;
  slot.w_v = wv;
  slot.X = X;
  slot.y = y;
  for (uint64_t t = 1; t <= steps; ++t) {
    gradus::Outcome outcome = step(slot, t);
    check(outcome.status == GRADUS_OK, outcome.message.c_str());
    result.loss = outcome.report.value;
  }
  return result;
}

/// A device, its memory and a recorder.
class Device {
public:
  explicit Device(int number) {
    gradus_context context{};
    context.error = [](void *, const gradus_error *error) { std::fprintf(stderr, "%s\n", error->message); };
    gradus_vulkan_options options{};
    options.number = number;
    check(gradus_vulkan_open(&context, &options, &vulkan) == GRADUS_OK, "no device");
    check(gradus_vulkan_recorder_open(vulkan, &recorder) == GRADUS_OK, "no recorder");
  }
  Device(const Device &) = delete;
  ~Device() {
    gradus_vulkan_recorder_close(recorder);
    gradus_vulkan_close(vulkan); // with its memory
  }

  gradus_address allocate(uint64_t bytes) {
    gradus_address address = 0;
    check(gradus_vulkan_allocate(vulkan, bytes, &address) == GRADUS_OK, "no memory");
    return address;
  }
  gradus_address upload(const std::vector<float> &numbers) {
    gradus_address address = allocate(numbers.size() * sizeof(float));
    write(address, numbers.data(), numbers.size() * sizeof(float));
    return address;
  }
  void write(gradus_address to, const void *from, uint64_t bytes) { check(gradus_vulkan_write(vulkan, to, from, bytes) == GRADUS_OK, "not written"); }
  void read(void *to, gradus_address from, uint64_t bytes) { check(gradus_vulkan_read(vulkan, to, from, bytes) == GRADUS_OK, "not read"); }

  gradus_vulkan *vulkan = nullptr;
  gradus_vulkan_recorder *recorder = nullptr;
};

/// What replaces the numbers of the call when the work runs (gradus_device.values).
struct Values {
  uint64_t t = 1, seed = 0;
  classifier_step_hyper hyper{};
};

Result trainOnVulkan(const Problem &problem, Device &device) {
  Result result;
  std::vector<float> const zeros(columns);
  gradus_device hooks{};
  check(gradus_vulkan_begin(device.recorder, nullptr, &hooks) == GRADUS_OK, "not begun");
  gradus_address const weights = device.upload(zeros);
  classifier_step_vulkan step;
  classifier_step_slot slot{};
  View w = View::on<float>(hooks, weights, {columns}), wm = View::on<float>(hooks, device.upload(zeros), {columns}),
       wv = View::on<float>(hooks, device.upload(zeros), {columns}), X = View::on<float>(hooks, device.upload(problem.X), {rows, columns}),
       y = View::on<float>(hooks, device.upload(problem.y), {rows});
  slot.w = w;
  slot.w_m = wm;
  slot.w_v = wv;
  slot.X = X;
  slot.y = y;
  Values values;
  classifier_step_defaults(&values.hyper);
  hooks.values = device.allocate(sizeof(values));
  hooks.report = device.allocate(sizeof(gradus_device_report));
  size_t const bytes = step.workspace(slot);
  gradus_context context{};
  context.device = &hooks;
  gradus::Outcome outcome = step(context, slot, device.allocate(bytes), bytes);
  check(outcome.status == GRADUS_OK, outcome.message.c_str());

  for (values.t = 1; values.t <= steps; ++values.t) {
    device.write(hooks.values, &values, sizeof(values)); // after the step before
    check(gradus_vulkan_submit(device.recorder, nullptr) == GRADUS_OK, "not submitted");
  }
  gradus_device_report report;
  device.read(&report, hooks.report, sizeof(report));
  outcome = step.result(report);
  check(outcome.status == GRADUS_OK, outcome.message.c_str());
  check(outcome.report.committed == 1 && outcome.report.t == steps, "the last step is not reported");
  result.loss = outcome.report.value;
  device.read(result.w.data(), weights, columns * sizeof(float));
  return result;
}

} // namespace

int main(int argc, char **argv) {
  Problem const problem;
  Result const cpu = trainOnCpu(problem);
  Device device(argc > 1 ? std::atoi(argv[1]) : 0);
  Result const vulkan = trainOnVulkan(problem, device);
  float difference = 0;
  for (int64_t j = 0; j < columns; ++j)
    difference = std::fmax(difference, std::fabs(cpu.w[j] - vulkan.w[j]));
  std::printf("%s: %llu steps in %llu dispatches\nloss on the CPU %.6f, there %.6f; weights differ by %.2g at most\n", gradus_vulkan_name(device.vulkan),
              static_cast<unsigned long long>(steps), static_cast<unsigned long long>(gradus_vulkan_dispatches(device.vulkan)), cpu.loss, vulkan.loss,
              difference);
  check(gradus_vulkan_dispatches(device.vulkan) >= steps, "the device has not done the steps");
  check(vulkan.loss < 0.5 && difference < 1e-4f, "the trainings do not agree");
  return 0;
}
