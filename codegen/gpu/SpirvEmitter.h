//===- SpirvEmitter.h - Operations of a gpu.module as SPIR-V -----------------------===//
//
// One walk over the operations, each of which becomes a few instructions. Addresses are u64; f16 is held as its bits in u16, as bf16 is, and computed in
// f32, so that no device rounds it in its own way; i1 is a bool in a register and a byte in memory. Calls are written out where they stand.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "codegen/gpu/SpirvWords.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"

#include <optional>

namespace gradus {

/// Instructions of GLSL.std.450.
enum class Glsl : uint32_t { RoundEven = 2, Trunc = 3, Floor = 8, Ceil = 9, Sqrt = 31, Fma = 50, FindUMsb = 75 };

/// An element of private memory or that of a group. Such memory has no addresses: which variable a pointer means is known where it is used.
struct PointerForm {
  Id variable = 0;
  mlir::spirv::StorageClass storage;
  mlir::Type element;
  Id index = 0; ///< u64; 0: the first element
};

class SpirvEmitter {
public:
  explicit SpirvEmitter(mlir::gpu::GPUModuleOp module);
  mlir::FailureOr<llvm::SmallVector<uint32_t, 0>> run();

private:
  mlir::LogicalResult emitKernel(mlir::gpu::GPUFuncOp kernel);
  mlir::LogicalResult emitArguments(mlir::gpu::GPUFuncOp kernel);
  /// All operations of a block but its terminator.
  mlir::LogicalResult emitBlock(mlir::Block &block);
  mlir::LogicalResult emitOp(mlir::Operation *op);
  mlir::LogicalResult refuse(mlir::Operation *op, const llvm::Twine &why = "");
  mlir::LogicalResult checkTypes(mlir::Operation *op);

  // Types, constants and values.
  Id typeOf(mlir::Type type); ///< 0 where there is none
  Id integerType(unsigned width) { return words.type(Opcode::OpTypeInt, {width, 0}); }
  Id integer(mlir::Type like, uint64_t value);
  Id number(mlir::Type like, double value);
  Id constant(mlir::Type type, mlir::Attribute value);
  Id bits(mlir::Type type, const llvm::APInt &value);
  Id truth(mlir::Type like, bool value);
  Id splat(mlir::Type type, Id element);
  /// 8- and 16-bit integers can be loaded, stored and converted anywhere; only what else happens to them needs the capability.
  void declareArithmetic(mlir::Type type);
  Id make(Opcode opcode, mlir::Type type, Ids operands);
  Id makeGlsl(Glsl number, mlir::Type type, Ids operands) { return words.emitExtended(typeOf(type), static_cast<uint32_t>(number), operands); }
  Id idOf(mlir::Value value) { return values.lookup(value); }
  mlir::Type withElement(mlir::Type like, mlir::Type element);
  mlir::Type boolLike(mlir::Type like) { return withElement(like, i1); }
  mlir::Type bitsLike(mlir::Type like);

  // What has one result becomes its id, 0 where the operation is not known.
  Id emitInteger(mlir::Operation *op);
  Id emitIntegerCompare(mlir::arith::CmpIPredicate predicate, mlir::Type type, Id a, Id b);
  Id emitRemainder(mlir::Type type, Id a, Id b);
  Id emitLeadingZeros(mlir::Type type, Id x);
  Id emitPopulation(mlir::Type type, Id x);
  Id emitCast(mlir::Operation *op);
  Id resize(mlir::Type from, mlir::Type to, Id x, bool isSigned);
  Id emitIntToFloat(mlir::Type from, mlir::Type to, Id x, bool isSigned);
  Id emitFloatToInt(mlir::Type from, mlir::Type to, Id x, bool isSigned);
  Id emitFloat(mlir::Operation *op);
  Id emitFloatCompare(mlir::arith::CmpFPredicate predicate, mlir::Type type, Id a, Id b);
  Id isNan(mlir::Type type, Id x);
  Id emitExtremum(mlir::Type type, Id a, Id b, bool isMaximum, bool keepsNan);
  Id emitCopySign(mlir::Type type, Id magnitude, Id sign);
  Id emitDivide(mlir::arith::DivFOp op, mlir::Type type, llvm::ArrayRef<Id> x);
  Id emitFma(mlir::Type type, Id a, Id b, Id c);
  Id makeFma(mlir::Type type);
  Id emulateFmaSingle(Id a, Id b, Id c);
  Id emulateFmaDouble(Id a, Id b, Id c);
  Id roundSumToOdd(Id a, Id b);
  std::pair<Id, Id> sumWithError(Id a, Id b);
  /// f16 is computed in f32: the type to compute in, and the ways there and back.
  mlir::Type wideOf(mlir::Type type);
  Id widen(mlir::Type type, Id x);
  Id narrow(mlir::Type type, Id x);
  Id emitVector(mlir::Operation *op);

  // Memory.
  std::optional<mlir::LogicalResult> emitMemory(mlir::Operation *op);
  mlir::LogicalResult emitLoad(mlir::LLVM::LoadOp op);
  mlir::LogicalResult emitStore(mlir::LLVM::StoreOp op);
  mlir::LogicalResult emitAlloca(mlir::LLVM::AllocaOp op);
  mlir::LogicalResult emitTable(mlir::LLVM::AddressOfOp op);
  mlir::LogicalResult emitAddress(mlir::LLVM::GEPOp op);
  mlir::LogicalResult emitMemref(mlir::Operation *op, mlir::Value memref, mlir::ValueRange indices, mlir::Value stored);
  mlir::LogicalResult declareMemref(mlir::Operation *op, mlir::Value memref, mlir::spirv::StorageClass storage);
  PointerForm declarePlace(mlir::Type element, uint64_t count, mlir::spirv::StorageClass storage);
  Id accessPlace(const PointerForm &place);
  Id accessAddress(mlir::Type type, Id address);
  mlir::Type memoryType(mlir::Type type);
  Id fromMemory(mlir::Type type, Id x);
  Id toMemory(mlir::Type type, Id x);

  // Control flow and the place of a thread.
  std::optional<mlir::LogicalResult> emitControl(mlir::Operation *op);
  mlir::LogicalResult emitIf(mlir::scf::IfOp op);
  mlir::LogicalResult emitFor(mlir::scf::ForOp op);
  mlir::LogicalResult emitWhile(mlir::scf::WhileOp op);
  mlir::LogicalResult emitCall(mlir::Operation *op);
  mlir::LogicalResult emitPosition(mlir::Operation *op, mlir::spirv::BuiltIn builtin, mlir::gpu::Dimension dimension);
  void emitBarrier();
  mlir::LogicalResult emitCarried(mlir::Operation *op, mlir::ValueRange values, llvm::SmallVectorImpl<Id> &ids);
  void branch(Id label) { words.emitPlain(Opcode::OpBranch, {label}); }
  Id phi(mlir::Type type, Ids valuesAndBlocks) { return words.emit(Opcode::OpPhi, typeOf(type), valuesAndBlocks); }

  mlir::gpu::GPUModuleOp module;
  mlir::DataLayout layout;
  SpirvWords words;
  mlir::Type i1, i8, i16, i32, i64, f32, f64;
  llvm::DenseMap<mlir::Value, Id> values;
  llvm::DenseMap<mlir::Value, PointerForm> places;
  llvm::DenseMap<mlir::Operation *, uint64_t> tables; ///< where each begins in
  std::vector<uint8_t> tableBytes;
  llvm::DenseMap<mlir::Type, Id> fmaFunctions;
  llvm::SmallVector<mlir::Operation *> callStack;
  std::map<uint32_t, Id> builtins;
  std::set<Id> interface; ///< the variables of the module that a kernel names
  Id pushConstants = 0, hasFma = 0, tableAddress = 0;
};

} // namespace gradus
