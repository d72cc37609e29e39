//===- Compiled.cpp - Calls compiled functions with the evaluator's arrays ------===//

#include "Compiled.h"

#include "dialect/DimExpr.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/APFloat.h"

#include <cstring>

using namespace mlir;
using namespace gradus;
using reference::Array;
using reference::Kind;
using reference::Shape;

Buffer::Buffer(gradus_dtype dtype, Shape shape)
    : shape(shape), dtype(dtype), size((reference::countElements(shape) * 8 + 64) / 64 * 64), data(nullptr, &std::free) {
  data.reset(static_cast<char *>(std::aligned_alloc(64, size)));
  std::memset(data.get(), 0, size);
}

gradus_tensor Buffer::describe() const {
  return {data.get(), shape.data(), nullptr, static_cast<int32_t>(shape.size()), dtype, GRADUS_CPU, 0};
}

template <typename T, typename From>
static void fill(char *data, const std::vector<From> &from) {
  for (size_t i = 0; i < from.size(); ++i)
    reinterpret_cast<T *>(data)[i] = static_cast<T>(from[i]);
}
template <typename T, typename To>
static void read(const char *data, std::vector<To> &to) {
  for (size_t i = 0; i < to.size(); ++i)
    to[i] = static_cast<To>(reinterpret_cast<const T *>(data)[i]);
}

static const llvm::fltSemantics &semanticsOf(gradus_dtype dtype) {
  return dtype == GRADUS_BF16 ? llvm::APFloat::BFloat() : llvm::APFloat::IEEEhalf();
}
static void fill16(char *data, gradus_dtype dtype, const std::vector<double> &from) {
  for (size_t i = 0; i < from.size(); ++i) {
    llvm::APFloat value(from[i]);
    bool isInexact;
    value.convert(semanticsOf(dtype), llvm::APFloat::rmNearestTiesToEven, &isInexact);
    reinterpret_cast<uint16_t *>(data)[i] = static_cast<uint16_t>(value.bitcastToAPInt().getZExtValue());
  }
}
static void read16(const char *data, gradus_dtype dtype, std::vector<double> &to) {
  for (size_t i = 0; i < to.size(); ++i) {
    llvm::APFloat value(semanticsOf(dtype), llvm::APInt(16, reinterpret_cast<const uint16_t *>(data)[i]));
    bool isInexact;
    value.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &isInexact);
    to[i] = value.convertToDouble();
  }
}

void Buffer::store(const Array<double> &array) {
  if (dtype > GRADUS_BLOCKS) {
    std::vector<float> numbers(array.reals.begin(), array.reals.end());
    return gradus_encode(dtype, array.size(), numbers.data(), data.get());
  }
  switch (dtype) {
  case GRADUS_BLOCKS: return;
  case GRADUS_BF16:
  case GRADUS_F16: return fill16(data.get(), dtype, array.reals);
  case GRADUS_BOOL: return fill<uint8_t>(data.get(), array.ints);
  case GRADUS_F32: return fill<float>(data.get(), array.reals);
  case GRADUS_F64: return fill<double>(data.get(), array.reals);
  case GRADUS_I32: return fill<int32_t>(data.get(), array.ints);
  case GRADUS_I64: return fill<int64_t>(data.get(), array.ints);
  }
}

void Buffer::load(Array<double> &array) const {
  if (dtype > GRADUS_BLOCKS) {
    std::vector<float> numbers(array.size());
    gradus_decode(dtype, array.size(), data.get(), numbers.data());
    array.reals.assign(numbers.begin(), numbers.end());
    return;
  }
  switch (dtype) {
  case GRADUS_BLOCKS: return;
  case GRADUS_BF16:
  case GRADUS_F16: return read16(data.get(), dtype, array.reals);
  case GRADUS_BOOL: return read<uint8_t>(data.get(), array.ints);
  case GRADUS_F32: return read<float>(data.get(), array.reals);
  case GRADUS_F64: return read<double>(data.get(), array.reals);
  case GRADUS_I32: return read<int32_t>(data.get(), array.ints);
  case GRADUS_I64: return read<int64_t>(data.get(), array.ints);
  }
}

using Sizes = llvm::StringMap<int64_t>;

/// The sizes that the arguments of one slot give to the symbols.
static Sizes bindSizes(FuncOp func, const Compiled::Arrays &args) {
  Sizes sizes;
  SmallVector<std::pair<Attribute, int64_t>> formulas;
  for (auto [type, array] : llvm::zip(func.getArgumentTypes(), args))
    for (auto [dim, size] : llvm::zip(llvm::cast<ArrayType>(type).getShape(), array.shape)) {
      if (isFormula(dim))
        formulas.push_back({dim, size});
      else if (auto symbol = dyn_cast<StringAttr>(dim))
        sizes[symbol.getValue()] = size;
    }
  solveSizes(formulas, sizes);
  return sizes;
}

static Shape shapeOf(ArrayType type, const Sizes &sizes) {
  Shape shape;
  for (Attribute dim : type.getShape())
    shape.push_back(sizeOfDim(dim, sizes).value());
  return shape;
}

static double scalarOf(const Array<double> &array) { return array.kind == Kind::Real ? array.reals[0] : static_cast<double>(array.ints[0]); }

std::unique_ptr<Compiled> Compiled::create(ModuleOp module, std::string &error, const PhaseOptions &options, llvm::CodeGenOptLevel level) {
  auto compiled = std::make_unique<Compiled>();
  for (FuncOp func : module.getOps<FuncOp>())
    if (isEntry(func)) {
      compiled->layouts.try_emplace(func.getSymName().str(), computeEntryLayout(func));
      compiled->functions[func.getSymName().str()] = func;
    }
  OwningOpRef<ModuleOp> copy(module.clone());
  PassManager passes(module.getContext());
  buildPhasesUpTo(passes, Phase::Lower, options);
  if (failed(passes.run(*copy)) || failed(convertToLLVMDialect(*copy))) {
    error = "the phases failed";
    return nullptr;
  }
  compiled->jit = Jit::create(*copy, CpuTarget{}, error, level);
  return compiled->jit ? std::move(compiled) : nullptr;
}

std::vector<Buffer> Compiled::makeBuffers(StringRef name, ArrayRef<Arrays> slots) const {
  FuncOp func = functions.find(name.str())->second;
  std::vector<Buffer> buffers;
  for (const Arrays &args : slots) {
    Sizes sizes = bindSizes(func, args);
    for (const EntryTensor &tensor : getLayout(name).tensors) {
      buffers.emplace_back(tensor.dtype, tensor.argument >= 0 ? args[tensor.argument].shape : shapeOf(tensor.type, sizes));
      if (tensor.argument >= 0)
        buffers.back().store(args[tensor.argument]);
    }
  }
  return buffers;
}

int32_t Compiled::run(StringRef name, ArrayRef<Arrays> slots, ArrayRef<Buffer> buffers, gradus_report &report, const gradus_context *context) const {
  const EntryLayout &layout = getLayout(name);
  FuncOp func = functions.find(name.str())->second;
  auto *kernel = reinterpret_cast<gradus_kernel>(jit->lookup(layout.getKernelName()));
  auto *workspaceSize = reinterpret_cast<gradus_workspace_size>(jit->lookup(layout.getWorkspaceName()));
  std::vector<double> hypers;
  for (const EntryHyper &hyper : layout.hypers)
    hypers.push_back(scalarOf(slots[0][hyper.argument]));
  uint64_t t = 0;
  for (unsigned i = 0; i < func.getNumArguments(); ++i)
    if (func.getArgRole(i) == Role::Time)
      t = slots[0][i].ints[0];
  std::vector<gradus_tensor> tensors;
  for (const Buffer &buffer : buffers)
    tensors.push_back(buffer.describe());
  Buffer workspace(GRADUS_F64, {static_cast<int64_t>(workspaceSize(tensors.data(), slots.size()) / 8 + 8)});
  return kernel(context, hypers.data(), t, seed, tensors.data(), slots.size(), workspace.bytes().data(), &report);
}

FailureOr<std::vector<Compiled::Arrays>> Compiled::call(StringRef name, ArrayRef<Arrays> slots, std::string &error) {
  const EntryLayout &layout = getLayout(name);
  FuncOp func = functions.find(name.str())->second;
  std::vector<Buffer> buffers = makeBuffers(name, slots);
  gradus_report report{std::nan(""), 0, 0, 0, 0, -1, nullptr};
  if (int32_t status = run(name, slots, buffers, report, context)) {
    error = "the kernel returned the status " + std::to_string(status);
    return failure();
  }

  std::vector<Arrays> results(slots.size());
  for (size_t slot = 0; slot < slots.size(); ++slot) {
    results[slot].resize(func.getNumResults());
    if (layout.valueResult >= 0)
      results[slot][layout.valueResult] = Array<double>::scalar(report.value);
    for (auto [k, tensor] : llvm::enumerate(layout.tensors)) {
      if (tensor.result < 0)
        continue;
      const Buffer &buffer = buffers[(tensor.shared ? 0 : slot) * layout.tensors.size() + k];
      auto type = llvm::cast<ArrayType>(func.getResultTypes()[tensor.result]);
      auto &array = results[slot][tensor.result];
      array = Array<double>::zeros(type.isFloat() ? Kind::Real : type.isBool() ? Kind::Bool : Kind::Integer, buffer.shape);
      buffer.load(array);
    }
  }
  return results;
}
