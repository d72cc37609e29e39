#include "Model.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

gradus_tensor Model::Buffer::tensor() {
  return {data.data(), dims.data(), nullptr, static_cast<int32_t>(dims.size()), GRADUS_F32, GRADUS_CPU, 0};
}

/// A view of data that a call reads only.
template <typename T>
static gradus_tensor view(const T *data, const std::vector<int64_t> &dims, gradus_dtype dtype) {
  return {const_cast<T *>(data), dims.data(), nullptr, static_cast<int32_t>(dims.size()), dtype, GRADUS_CPU, 0};
}

Model::Buffer Model::makeBuffer(const gradus_entry &entry, const gradus_argument &argument) const {
  Buffer buffer{argument.name, {}, {}};
  size_t count = 1;
  for (int32_t axis = 0; axis < argument.rank; ++axis) {
    int32_t dim = argument.dims[axis];
    buffer.dims.push_back(dim < 0 ? -1 - static_cast<int64_t>(dim) : sizes.at(entry.symbols[dim]));
    count *= static_cast<size_t>(buffer.dims.back());
  }
  buffer.data.resize(count);
  return buffer;
}

Model::Model(const gradus_context &context, const Entries &entries, const std::map<std::string, int64_t> &sizes, uint64_t seed)
    : context(context), entries(entries), sizes(sizes) {
  progress.seed = seed;
  uint64_t random = seed;
  for (int32_t role : {GRADUS_PARAM, GRADUS_STATE})
    for (int32_t i = 0; i < entries.step->n_arguments; ++i) {
      const gradus_argument &argument = entries.step->arguments[i];
      if (argument.role != role)
        continue;
      buffers.push_back(makeBuffer(*entries.step, argument));
      Buffer &buffer = buffers.back();
      if (role == GRADUS_PARAM && buffer.dims.size() == 2)
        for (float &x : buffer.data)
          x = static_cast<float>(nextNormal(random) / std::sqrt(static_cast<double>(buffer.dims[0])));
    }
  // The unit's own first states; its outputs bear the names of the states.
  call(*entries.init, 0, makeSlot(*entries.init, {}), nullptr);
}

Model::Buffer *Model::find(const std::string &name) {
  auto at = std::find_if(buffers.begin(), buffers.end(), [&](const Buffer &buffer) { return buffer.name == name; });
  return at == buffers.end() ? nullptr : &*at;
}

std::vector<gradus_tensor> Model::makeSlot(const gradus_entry &entry, const std::map<std::string, gradus_tensor> &given) {
  std::vector<gradus_tensor> slot;
  for (int32_t i = 0; i < entry.n_arguments; ++i) {
    const char *name = entry.arguments[i].name;
    if (auto at = given.find(name); at != given.end())
      slot.push_back(at->second);
    else if (Buffer *buffer = find(name))
      slot.push_back(buffer->tensor());
    else
      slot.push_back({}); // a null tensor: the call says which is missing
  }
  return slot;
}

gradus_status Model::call(const gradus_entry &entry, uint64_t t, const std::vector<gradus_tensor> &slot, gradus_report *report) {
  size_t bytes = gradus_workspace(&entry, slot.data(), 1);
  std::vector<char> workspace(bytes == SIZE_MAX ? 0 : bytes + 64);
  char *aligned = workspace.data() + (64 - reinterpret_cast<uintptr_t>(workspace.data()) % 64) % 64;
  return gradus_call(&entry, &context, nullptr, t, progress.seed, slot.data(), 1, workspace.empty() ? nullptr : aligned,
                     workspace.empty() ? 0 : bytes, report);
}

gradus_status Model::step(const Digits &batch, double &loss) {
  std::vector<int64_t> rows{batch.size(), Digits::width}, labels{batch.size()};
  gradus_report report{};
  gradus_status status = call(*entries.step, progress.t + 1,
                              makeSlot(*entries.step, {{"X", view(batch.pixels.data(), rows, GRADUS_F32)},
                                                       {"label", view(batch.labels.data(), labels, GRADUS_I64)}}),
                              &report);
  if (status == GRADUS_OK) {
    progress.t = report.t;
    loss = report.value;
  }
  return status;
}

gradus_status Model::accuracy(const Digits &digits, double &share) {
  std::vector<int64_t> rows{digits.size(), Digits::width}, shape{digits.size(), Digits::classes};
  std::vector<float> scores(digits.size() * Digits::classes);
  std::map<std::string, gradus_tensor> given{{"X", view(digits.pixels.data(), rows, GRADUS_F32)}};
  for (int32_t i = 0; i < entries.predict->n_arguments; ++i) // a function has one output
    if (entries.predict->arguments[i].role == GRADUS_OUTPUT)
      given[entries.predict->arguments[i].name] = view(scores.data(), shape, GRADUS_F32);
  gradus_status status = call(*entries.predict, 0, makeSlot(*entries.predict, given), nullptr);
  if (status != GRADUS_OK)
    return status;
  int64_t right = 0;
  for (int64_t i = 0; i < digits.size(); ++i) {
    const float *row = scores.data() + i * Digits::classes;
    right += std::max_element(row, row + Digits::classes) - row == digits.labels[i];
  }
  share = static_cast<double>(right) / static_cast<double>(digits.size());
  return GRADUS_OK;
}

std::vector<gradus_named_tensor> Model::named() const {
  std::vector<gradus_named_tensor> tensors;
  for (const Buffer &buffer : buffers)
    tensors.push_back({buffer.name.c_str(), const_cast<Buffer &>(buffer).tensor()});
  return tensors;
}

gradus_status Model::save(const std::string &path) const {
  std::vector<gradus_named_tensor> tensors = named();
  return gradus_checkpoint_save(&context, path.c_str(), &progress, tensors.data(), tensors.size());
}

gradus_status Model::load(const std::string &path) {
  std::vector<gradus_named_tensor> tensors = named();
  return gradus_checkpoint_load(&context, path.c_str(), &progress, tensors.data(), tensors.size());
}
