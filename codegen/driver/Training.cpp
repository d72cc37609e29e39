//===- Training.cpp - The buffers of `gradus run` ------------------------------===//

#include "codegen/driver/Training.h"

#include "dialect/DimExpr.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <unistd.h>

using namespace mlir;

namespace gradus::driver {

//===----------------------------------------------------------------------===//
// Variables
//===----------------------------------------------------------------------===//

int64_t Variable::size() const {
  int64_t count = 1;
  for (int64_t dim : dims)
    count *= dim;
  return count;
}

template <typename T>
static double read(const std::vector<char> &bytes, int64_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
  return static_cast<double>(value);
}
template <typename T>
static void write(std::vector<char> &bytes, int64_t index, double value) {
  T stored = static_cast<T>(value);
  std::memcpy(bytes.data() + index * sizeof(T), &stored, sizeof(T));
}

static const llvm::fltSemantics &semanticsOf(gradus_dtype dtype) { return dtype == GRADUS_BF16 ? llvm::APFloat::BFloat() : llvm::APFloat::IEEEhalf(); }
static double read16(gradus_dtype dtype, const std::vector<char> &bytes, int64_t index) {
  uint16_t bits;
  std::memcpy(&bits, bytes.data() + index * sizeof(bits), sizeof(bits));
  llvm::APFloat value(semanticsOf(dtype), llvm::APInt(16, bits));
  bool isInexact;
  value.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &isInexact);
  return value.convertToDouble();
}
static void write16(gradus_dtype dtype, std::vector<char> &bytes, int64_t index, double value) {
  llvm::APFloat rounded(value);
  bool isInexact;
  rounded.convert(semanticsOf(dtype), llvm::APFloat::rmNearestTiesToEven, &isInexact);
  auto bits = static_cast<uint16_t>(rounded.bitcastToAPInt().getZExtValue());
  std::memcpy(bytes.data() + index * sizeof(bits), &bits, sizeof(bits));
}

static bool isOfBlocks(const EntryTensor &tensor) { return tensor.type.isBlocks(); }

/// The number of one code: as a block of its own, with the scale of its block.
static double readCode(const EntryTensor &tensor, const std::vector<char> &bytes, int64_t index) {
  constexpr int64_t scaleBytes = BlocksType::scaleBytes;
  int64_t size = cast<BlocksType>(tensor.type.getElementType()).getSize();
  const char *block = bytes.data() + index / size * (scaleBytes + size);
  char alone[scaleBytes + 1];
  std::memcpy(alone, block, scaleBytes);
  alone[scaleBytes] = block[scaleBytes + index % size];
  float number = 0;
  gradus_decode(tensor.dtype, 1, alone, &number);
  return number;
}

double Variable::get(int64_t index) const {
  if (isOfBlocks(layout))
    return readCode(layout, bytes, index);
  switch (layout.dtype) {
  case GRADUS_F32: return read<float>(bytes, index);
  case GRADUS_F64: return read<double>(bytes, index);
  case GRADUS_I32: return read<int32_t>(bytes, index);
  case GRADUS_I64: return read<int64_t>(bytes, index);
  case GRADUS_BOOL: return read<char>(bytes, index);
  case GRADUS_BF16:
  case GRADUS_F16: return read16(layout.dtype, bytes, index);
  default: return NAN;
  }
}

void Variable::set(int64_t index, double value) {
  switch (layout.dtype) {
  case GRADUS_F32: return write<float>(bytes, index, value);
  case GRADUS_F64: return write<double>(bytes, index, value);
  case GRADUS_I32: return write<int32_t>(bytes, index, value);
  case GRADUS_I64: return write<int64_t>(bytes, index, value);
  case GRADUS_BOOL: return write<char>(bytes, index, value);
  case GRADUS_BF16:
  case GRADUS_F16: return write16(layout.dtype, bytes, index, value);
  default: return;
  }
}

void Variable::assign(ArrayRef<double> values) {
  if (isOfBlocks(layout)) {
    std::vector<float> numbers(values.begin(), values.end());
    return gradus_encode(layout.dtype, static_cast<int64_t>(numbers.size()), numbers.data(), bytes.data());
  }
  for (auto [i, value] : llvm::enumerate(values))
    set(static_cast<int64_t>(i), value);
}

gradus_tensor Variable::view() {
  return {bytes.data(), dims.data(), nullptr, static_cast<int32_t>(dims.size()), layout.dtype, GRADUS_CPU, 0};
}

Variable *Training::find(StringRef name) {
  auto at = llvm::find_if(variables, [&](const Variable &variable) { return variable.layout.name == name; });
  return at == variables.end() ? nullptr : &*at;
}

double Training::getHyper(StringRef name) const {
  auto at = llvm::find_if(step.hypers, [&](const EntryHyper &hyper) { return hyper.name == name; });
  return at == step.hypers.end() ? NAN : hypers[at - step.hypers.begin()];
}

std::vector<double> defaultHypers(const EntryLayout &layout) {
  std::vector<double> values;
  for (const EntryHyper &hyper : layout.hypers)
    values.push_back(toNumber(hyper.initial).value_or(NAN));
  return values;
}

//===----------------------------------------------------------------------===//
// Data
//===----------------------------------------------------------------------===//

static bool isIntegral(const EntryTensor &tensor) { return tensor.dtype == GRADUS_I32 || tensor.dtype == GRADUS_I64; }

static std::string symbolOf(const EntryTensor &tensor, size_t axis) {
  auto symbol = dyn_cast<StringAttr>(tensor.dims[axis]);
  return symbol ? symbol.getValue().str() : "";
}

/// Data of `f[next]` and `f[all]`: `next.X`.
static bool isFurther(StringRef name) { return name.starts_with("next.") || name.starts_with("all."); }

/// The features are the only data matrix, the target the only data vector of as many rows.
static bool findData(const EntryLayout &layout, DataBinding &binding, std::string &error) {
  std::vector<size_t> matrices, vectors;
  for (auto [i, tensor] : llvm::enumerate(layout.tensors)) {
    if (tensor.role == GRADUS_INPUT && !tensor.optional) {
      error = "'gradus run' has nothing for the input '" + tensor.name + "'; give it a default, or compile the unit with 'gradus build'";
      return false;
    }
    if (tensor.role == GRADUS_DATA && tensor.name == "rows" && isIntegral(tensor))
      binding.rows = i;
    else if (tensor.role == GRADUS_DATA && !isFurther(tensor.name))
      (tensor.rank == 2 ? matrices : vectors).push_back(i);
  }
  if (matrices.size() != 1 || vectors.size() != 1 || layout.tensors[vectors[0]].rank != 1 ||
      layout.tensors[matrices[0]].dims[0] != layout.tensors[vectors[0]].dims[0]) {
    error = "'gradus run' expects a unit with one data matrix [n, d] and one data vector [n]; compile other units with 'gradus build'";
    return false;
  }
  binding.features = matrices[0];
  binding.target = vectors[0];
  binding.rowSymbol = symbolOf(layout.tensors[matrices[0]], 0);
  return true;
}

/// The size of a symbol or a formula of symbols; -1 where it is none.
static int64_t sizeOfSymbol(Training &training, const std::string &symbol) {
  llvm::StringMap<int64_t> sizes;
  for (const auto &[name, size] : training.sizes)
    sizes[name] = size;
  return DimExpr::parse(symbol).evaluate(sizes).value_or(-1);
}

/// Gives a symbol its size; false if it has another already.
static bool setSize(Training &training, const std::string &symbol, int64_t size, const char *why, std::string &error) {
  if (symbol.empty())
    return true;
  auto attr = StringAttr::get(training.step.tensors.front().type.getContext(), symbol);
  if (isFormula(attr)) { // [d + 1]: the symbol in it
    llvm::StringMap<int64_t> sizes;
    for (const auto &[name, known] : training.sizes)
      sizes[name] = known;
    solveSizes({{attr, size}}, sizes);
    for (const auto &known : sizes)
      training.sizes.try_emplace(known.getKey().str(), known.getValue());
    return true;
  }
  auto [at, isNew] = training.sizes.try_emplace(symbol, size);
  if (!isNew && at->second != size)
    error = "dimension '" + symbol + "' is " + std::to_string(at->second) + " on the command line and " + std::to_string(size) + " " + why;
  return isNew || at->second == size;
}

/// Labels are whole numbers that their type holds: a conversion would change any other without a word.
static bool checkLabels(const EntryTensor &target, const Table &table, std::string &error) {
  if (!isIntegral(target))
    return true;
  const double limit = target.dtype == GRADUS_I32 ? std::numeric_limits<int32_t>::max() : 0x1p53; // every whole number up to 2^53 is a double
  for (size_t row = 0; row < table.rows; ++row)
    if (double value = table.at(row, table.columns - 1); !(std::fabs(value) <= limit) || value != std::floor(value)) {
      error = "sample " + std::to_string(row + 1) + " of the data: '" + target.name + "' takes whole numbers of magnitude up to " +
              llvm::formatv("{0:f0}", limit).str() + ", but got " + llvm::formatv("{0}", llvm::format("%g", value)).str();
      return false;
    }
  return true;
}

bool makeVariables(Training &training, const DataBinding &binding, std::string &error) {
  const double memory = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  double bytes = 0;
  for (const EntryTensor &tensor : training.step.tensors) {
    Variable variable{tensor, {}, {}};
    double size = static_cast<double>(gradus_dtype_size(tensor.dtype));
    for (size_t axis = 0; axis < tensor.dims.size(); ++axis) {
      std::string symbol = symbolOf(tensor, axis);
      bool isRows = !symbol.empty() && (symbol == binding.rowSymbol || isFurther(symbol));
      variable.dims.push_back(symbol.empty() ? cast<IntegerAttr>(tensor.dims[axis]).getInt() : isRows ? 0 : sizeOfSymbol(training, symbol));
      if (variable.dims.back() < 0) {
        error = "the dimension '" + symbol + "' of '" + tensor.name + "' is no size for these data; give other dimensions with --dim";
        return false;
      }
      size *= static_cast<double>(variable.dims.back());
    }
    bytes += size;
    if (bytes > memory) {
      error = "the tensors of the unit up to '" + tensor.name + "' take " + llvm::formatv("{0:f1}", bytes * 0x1p-30).str() +
              " GiB, more than the memory of this machine; give smaller dimensions";
      return false;
    }
    variable.bytes.resize(gradus_bytes(tensor.dtype, variable.size()));
    for (int64_t i = 0, n = tensor.initial ? variable.size() : 0; i < n; ++i)
      variable.set(i, *tensor.initial);
    training.variables.push_back(std::move(variable));
  }
  return true;
}

bool bindData(Training &training, const Table &table, DataBinding &binding, std::string &error) {
  if (!findData(training.step, binding, error))
    return false;
  if (table.columns < 2) {
    error = "expected at least one column of features before the target";
    return false;
  }
  const EntryTensor &features = training.step.tensors[binding.features], &target = training.step.tensors[binding.target];
  if (!setSize(training, symbolOf(features, 1), static_cast<int64_t>(table.columns) - 1, "columns of features", error))
    return false;
  if (!checkLabels(target, table, error))
    return false;
  std::vector<std::string> missing;
  for (StringAttr symbol : training.step.symbols)
    if (!isFormula(symbol) && symbol.getValue() != binding.rowSymbol && !isFurther(symbol.getValue()) && !training.sizes.contains(symbol.getValue().str()))
      missing.push_back(symbol.getValue().str());
  if (missing.size() == 1 && isIntegral(target)) { // the number of classes
    double most = 0;
    for (size_t row = 0; row < table.rows; ++row)
      most = std::max(most, table.at(row, table.columns - 1));
    training.sizes[missing[0]] = static_cast<int64_t>(most) + 1;
    missing.clear();
  }
  if (!missing.empty()) {
    error = "the data do not tell the size of '" + llvm::join(missing, "', '") + "'; give it as --dim " + missing[0] + "=N";
    if (isIntegral(target))
      error += "; what is left when one is missing is the number of classes";
    return false;
  }
  return makeVariables(training, binding, error);
}

/// The variable of the data at a place of the binding, on the choice of data that the prefix names; null where no one asks for it.
static Variable *findChosen(Training &training, size_t place, StringRef prefix) {
  return training.find((prefix + training.variables[place].layout.name).str());
}

bool takesData(Training &training, const DataBinding &binding, StringRef prefix) {
  return findChosen(training, binding.features, prefix) || findChosen(training, binding.target, prefix);
}

void fillBatch(Training &training, const DataBinding &binding, const Table &table, ArrayRef<size_t> rows, StringRef prefix) {
  Variable *features = findChosen(training, binding.features, prefix), *target = findChosen(training, binding.target, prefix);
  for (Variable *variable : {features, target}) {
    if (!variable)
      continue;
    variable->dims[0] = static_cast<int64_t>(rows.size());
    variable->bytes.resize(gradus_bytes(variable->layout.dtype, variable->size()));
  }
  size_t width = table.columns - 1;
  for (auto [i, row] : llvm::enumerate(rows)) {
    for (size_t column = 0; features && column < width; ++column)
      features->set(static_cast<int64_t>(i * width + column), table.at(row, column));
    if (target)
      target->set(static_cast<int64_t>(i), table.at(row, width));
  }
  Variable *numbers = binding.rows ? findChosen(training, *binding.rows, prefix) : nullptr;
  if (!numbers)
    return;
  numbers->dims[0] = static_cast<int64_t>(rows.size());
  numbers->bytes.resize(gradus_bytes(numbers->layout.dtype, numbers->size()));
  for (auto [i, row] : llvm::enumerate(rows))
    numbers->set(static_cast<int64_t>(i), static_cast<double>(row));
}

void drawParameters(Training &training) {
  std::mt19937_64 random(training.seed);
  auto uniform = [&] { return (static_cast<double>(random() >> 11) + 1) * 0x1p-53; };
  for (Variable &variable : training.variables) {
    if (variable.layout.role != GRADUS_PARAM || variable.dims.size() < 2)
      continue;
    double scale = 1 / std::sqrt(static_cast<double>(std::max<int64_t>(1, variable.dims[0])));
    std::vector<double> values(variable.size());
    for (double &value : values)
      value = scale * std::sqrt(-2 * std::log(uniform())) * std::cos(6.283185307179586 * uniform());
    variable.assign(values);
  }
}

} // namespace gradus::driver
