//===- Spirv.cpp - From a gpu.module to SPIR-V -------------------------------------===//

#include "codegen/gpu/Spirv.h"

#include "codegen/gpu/SpirvEmitter.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace gradus {

static constexpr uint32_t defaultGroupSize = 256;

FailureOr<llvm::SmallVector<uint32_t, 0>> emitSpirv(gpu::GPUModuleOp module) { return SpirvEmitter(module).run(); }

SpirvEmitter::SpirvEmitter(gpu::GPUModuleOp module) : module(module), layout(module) {
  Builder builder(module.getContext());
  i1 = builder.getI1Type(), i8 = builder.getI8Type(), i16 = builder.getIntegerType(16), i32 = builder.getI32Type(), i64 = builder.getI64Type();
  f32 = builder.getF32Type(), f64 = builder.getF64Type();
}

FailureOr<llvm::SmallVector<uint32_t, 0>> SpirvEmitter::run() {
  words.addCapability(spirv::Capability::Shader);
  words.addCapability(spirv::Capability::PhysicalStorageBufferAddresses);
  auto kernels = llvm::make_filter_range(module.getOps<gpu::GPUFuncOp>(), [](gpu::GPUFuncOp function) { return function.isKernel(); });
  if (kernels.empty())
    return module.emitError("module '") << module.getName() << "' has no kernels";
  for (gpu::GPUFuncOp kernel : kernels)
    if (failed(emitKernel(kernel)))
      return failure();
  // A string has at most 65,535 characters, and a byte takes two.
  constexpr size_t chunk = 32000;
  for (ArrayRef<uint8_t> rest = tableBytes; !rest.empty(); rest = rest.drop_front(std::min(chunk, rest.size())))
    words.addString((spirvTablesPrefix + llvm::toHex(rest.take_front(chunk))).str());
  return words.assemble();
}

LogicalResult SpirvEmitter::emitKernel(gpu::GPUFuncOp kernel) {
  if (!kernel.getBody().hasOneBlock())
    return kernel.emitError("kernel '") << kernel.getName() << "' branches between blocks, expected structured control flow";
  uint32_t groupSize = defaultGroupSize;
  if (DenseI32ArrayAttr size = kernel.getKnownBlockSizeAttr()) {
    if (size.size() != 3 || size[0] < 1 || size[1] != 1 || size[2] != 1)
      return kernel.emitError("kernel '") << kernel.getName() << "' has groups of several axes, expected one";
    groupSize = static_cast<uint32_t>(size[0]);
  }
  interface.clear();
  values.clear();
  places.clear();
  callStack = {kernel};
  Id none = words.type(Opcode::OpTypeVoid);
  SmallVector<Id> parameters;
  Id function = words.beginFunction(none, words.type(Opcode::OpTypeFunction, {none}), {}, parameters);
  if (failed(emitArguments(kernel)))
    return failure();
  for (auto [attributions, storage] : {std::pair(kernel.getWorkgroupAttributions(), spirv::StorageClass::Workgroup),
                                       std::pair(kernel.getPrivateAttributions(), spirv::StorageClass::Function)})
    for (BlockArgument attribution : attributions)
      if (failed(declareMemref(kernel, attribution, storage)))
        return failure();
  if (failed(emitBlock(kernel.getBody().front())))
    return failure();
  words.emitPlain(Opcode::OpReturn, {});
  words.endFunction();
  words.addEntryPoint(kernel.getName(), function, llvm::to_vector(interface), groupSize);
  return success();
}

/// The three numbers come from the block of push constants.
LogicalResult SpirvEmitter::emitArguments(gpu::GPUFuncOp kernel) {
  auto types = kernel.getArgumentTypes();
  if (types.size() != 3 || !llvm::all_of(types, [&](Type type) { return type == i64; }))
    return kernel.emitError("kernel '") << kernel.getName() << "' has arguments of another form than frame, argument and first group, three of i64";
  Id word = typeOf(i64);
  Id block = words.type(Opcode::OpTypeStruct, {word, word, word});
  if (!pushConstants) {
    for (uint32_t member : {0, 1, 2})
      words.decorateMember(block, member, spirv::Decoration::Offset, {8 * member});
    words.decorate(block, spirv::Decoration::Block);
    auto storage = spirv::StorageClass::PushConstant;
    pushConstants = words.global(Opcode::OpVariable, words.pointer(storage, block), {static_cast<uint32_t>(storage)});
  }
  for (auto [number, argument] : llvm::enumerate(kernel.getArguments().take_front(3))) {
    if (argument.use_empty())
      continue;
    interface.insert(pushConstants);
    Id at = words.emit(Opcode::OpAccessChain, words.pointer(spirv::StorageClass::PushConstant, word), {pushConstants, integer(i32, number)});
    values[argument] = words.emit(Opcode::OpLoad, word, {at});
  }
  return success();
}

LogicalResult SpirvEmitter::emitBlock(Block &block) {
  for (Operation &op : block.without_terminator())
    if (!isOpTriviallyDead(&op) && failed(emitOp(&op)))
      return failure();
  return success();
}

LogicalResult SpirvEmitter::refuse(Operation *op, const llvm::Twine &why) {
  InFlightDiagnostic error = op->emitError("'") << op->getName().getStringRef() << "' has no form in SPIR-V for Vulkan";
  if (std::string text = why.str(); !text.empty())
    error << ": " << text;
  return error;
}

LogicalResult SpirvEmitter::checkTypes(Operation *op) {
  auto isKnown = [&](Value value) { return isa<MemRefType, LLVM::LLVMPointerType>(value.getType()) || typeOf(value.getType()); };
  for (ValueRange range : {ValueRange(op->getOperands()), ValueRange(op->getResults())})
    for (Value value : range)
      if (!isKnown(value)) {
        InFlightDiagnostic error = op->emitError("'") << op->getName().getStringRef() << "' has no form in SPIR-V for Vulkan: type " << value.getType();
        return error;
      }
  return success();
}

LogicalResult SpirvEmitter::emitOp(Operation *op) {
  if (failed(checkTypes(op)))
    return failure();
  if (std::optional<LogicalResult> done = emitMemory(op))
    return *done;
  if (std::optional<LogicalResult> done = emitControl(op))
    return *done;
  for (Value operand : op->getOperands())
    if (!idOf(operand))
      return refuse(op, "a pointer to memory without addresses (a private array or that of a group)");
  if (auto product = dyn_cast<arith::MulUIExtendedOp>(op)) {
    Id whole = typeOf(product.getLow().getType());
    declareArithmetic(product.getLow().getType());
    Id pair = words.emit(Opcode::OpUMulExtended, words.type(Opcode::OpTypeStruct, {whole, whole}), {idOf(product.getLhs()), idOf(product.getRhs())});
    for (auto [number, result] : llvm::enumerate(op->getResults()))
      values[result] = words.emit(Opcode::OpCompositeExtract, whole, {pair, static_cast<uint32_t>(number)});
    return success();
  }
  if (op->getNumResults() == 1)
    for (auto emit : {&SpirvEmitter::emitInteger, &SpirvEmitter::emitFloat, &SpirvEmitter::emitCast, &SpirvEmitter::emitVector})
      if (Id id = (this->*emit)(op)) {
        values[op->getResult(0)] = id;
        return success();
      }
  return refuse(op);
}

} // namespace gradus
