// points - Trains on a device of Vulkan: the parameters never leave it until the end.
//
// Usage: points [STEPS]. All steps of a batch of 20 are recorded, then submitted at once; the report of the last one says how far it is. At the end the same
// steps on the processor must come to the same parameters.

#include "gradus_vulkan.h"
#include "points.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using gradus::points_spec::classifier_step;
using gradus::points_spec::classifier_step_vulkan;

constexpr std::int64_t rows = 4096, features = 64;

/// Throws what the runtime says.
class Context {
public:
  Context() {
    context.user = this;
    context.error = [](void *user, const gradus_error *error) { static_cast<Context *>(user)->said = error->message; };
  }
  void check(gradus_status status) const {
    if (status != GRADUS_OK)
      throw std::runtime_error(said);
  }
  gradus_context context{};

private:
  std::string said;
};

/// Two clouds, on both sides of the plane through 0.
struct Points {
  std::vector<float> x, y;
  Points() : x(rows * features), y(rows) {
    std::mt19937 random(1);
    std::normal_distribution<float> noise;
    for (std::int64_t i = 0; i < rows; ++i) {
      y[i] = i % 2 == 0 ? 1.0f : -1.0f;
      for (std::int64_t k = 0; k < features; ++k)
        x[i * features + k] = noise(random) + 0.2f * y[i];
    }
  }
};

/// The device, with the arrays of the training in its memory.
class Device : public Context {
public:
  Device() {
    check(gradus_vulkan_open(&context, nullptr, &vulkan));
    check(gradus_vulkan_recorder_open(vulkan, &recorder));
  }
  ~Device() {
    gradus_vulkan_recorder_close(recorder);
    gradus_vulkan_close(vulkan); // with all memory
  }
  Device(const Device &) = delete;

  gradus_address allocate(std::size_t bytes) {
    gradus_address address = 0;
    check(gradus_vulkan_allocate(vulkan, bytes, &address));
    return address;
  }
  gradus_address put(const std::vector<float> &numbers) {
    gradus_address address = allocate(numbers.size() * sizeof(float));
    check(gradus_vulkan_write(vulkan, address, numbers.data(), numbers.size() * sizeof(float)));
    return address;
  }
  void get(void *to, gradus_address from, std::size_t bytes) { check(gradus_vulkan_read(vulkan, to, from, bytes)); }

  gradus_vulkan *vulkan = nullptr;
  gradus_vulkan_recorder *recorder = nullptr;
};

/// The steps on the device; the parameters after them.
std::vector<float> trainOnDevice(const Points &points, std::uint64_t steps) {
  constexpr std::uint64_t atOnce = 20;
  Device device;
  std::printf("device: %s\n", gradus_vulkan_name(device.vulkan));
  std::vector<float> w(features);
  gradus_address const onDevice = device.put(w), m = device.put(w), v = device.put(w), x = device.put(points.x), y = device.put(points.y);
  gradus_address const report = device.allocate(sizeof(gradus_device_report));
  classifier_step_vulkan step;
  gradus_address workspace = 0;
  std::size_t bytes = 0;
  for (std::uint64_t t = 0; t < steps;) {
    gradus_device record;
    device.check(gradus_vulkan_begin(device.recorder, nullptr, &record));
    record.report = report;
    gradus_context context = device.context;
    context.device = &record;
    using gradus::View;
    View const parameters = View::on<float>(record, onDevice, {features}), first = View::on<float>(record, m, {features}),
               second = View::on<float>(record, v, {features}), data = View::on<float>(record, x, {rows, features}), labels = View::on<float>(record, y, {rows});
    classifier_step_slot const slot{parameters, first, second, data, labels};
    if (workspace == 0) {
      bytes = step.workspace(slot);
      workspace = device.allocate(bytes);
    }
    for (std::uint64_t end = std::min(steps, t + atOnce); t < end;)
      step(context, slot, workspace, bytes, ++t).orThrow();
    device.check(gradus_vulkan_submit(device.recorder, nullptr));
    device.check(gradus_vulkan_wait(device.recorder));
    gradus_device_report written;
    device.get(&written, report, sizeof(written));
    gradus::Outcome const outcome = step.result(written).orThrow();
    std::printf("step %llu: loss %.6f\n", static_cast<unsigned long long>(outcome.report.t), outcome.report.value);
  }
  device.get(w.data(), onDevice, w.size() * sizeof(float));
  std::printf("%llu dispatches\n", static_cast<unsigned long long>(gradus_vulkan_dispatches(device.vulkan)));
  return w;
}

std::vector<float> trainHere(Points points, std::uint64_t steps) {
  std::vector<float> w(features), m(features), v(features);
  classifier_step step;
  gradus::View const parameters(w.data(), {features}), first(m.data(), {features}), second(v.data(), {features}), data(points.x.data(), {rows, features}),
      labels(points.y.data(), {rows});
  classifier_step_slot const slot{parameters, first, second, data, labels};
  for (std::uint64_t t = 1; t <= steps; ++t)
    step(slot, t).orThrow();
  return w;
}

} // namespace

int main(int argc, char **argv) {
  try {
    std::uint64_t const steps = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100;
    Points const points;
    std::vector<float> const there = trainOnDevice(points, steps), here = trainHere(points, steps);
    float worst = 0;
    for (std::size_t k = 0; k < here.size(); ++k)
      worst = std::fmax(worst, std::fabs(there[k] - here[k]));
    std::printf("largest difference to the processor: %.2g\n", worst);
    return worst < 1e-4f ? 0 : 1;
  } catch (const std::exception &problem) {
    std::fprintf(stderr, "points: %s\n", problem.what());
    return 2;
  }
}
