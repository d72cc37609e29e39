//===- SpirvWords.h - A SPIR-V module as words -----------------------------------===//
//
// The sections of a module, with each type, constant and capability once. What an instruction means is no matter of this file.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "mlir/Dialect/SPIRV/IR/SPIRVEnums.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <map>
#include <set>
#include <vector>

namespace gradus {

/// The number of a result; 0 is none.
using Id = uint32_t;
using mlir::spirv::Opcode;
using Ids = llvm::ArrayRef<Id>;

class SpirvWords {
public:
  Id newId() { return bound++; }

  void addCapability(mlir::spirv::Capability capability) { capabilities.insert(static_cast<uint32_t>(capability)); }
  void addEntryPoint(llvm::StringRef name, Id function, Ids interface, uint32_t groupSize);
  void addString(llvm::StringRef text);
  void decorate(Id target, mlir::spirv::Decoration decoration, Ids operands = {});
  void decorateMember(Id structure, uint32_t member, mlir::spirv::Decoration decoration, Ids operands);

  /// The type that these operands make, once in a module.
  Id type(Opcode opcode, Ids operands = {});
  Id pointer(mlir::spirv::StorageClass storage, Id pointee);
  /// The constant that these operands make, once in a module.
  Id constant(Opcode opcode, Id type, Ids operands = {});
  /// One more constant or variable of the module.
  Id global(Opcode opcode, Id type, Ids operands = {});

  /// Functions are written one in another: what is emitted belongs to the one begun last. Its first block is open.
  Id beginFunction(Id result, Id type, Ids parameterTypes, llvm::SmallVectorImpl<Id> &parameters);
  void endFunction();
  Id localVariable(Id pointerType);
  Id emit(Opcode opcode, Id type, Ids operands);
  void emitPlain(Opcode opcode, Ids operands);
  /// An instruction of GLSL.std.450.
  Id emitExtended(Id type, uint32_t number, Ids operands);
  void startBlock(Id label);
  /// The block that is written.
  Id currentBlock() const { return functions.back().block; }

  llvm::SmallVector<uint32_t, 0> assemble() const;

private:
  using Section = llvm::SmallVector<uint32_t, 0>;
  struct Function {
    Section head, variables, body; ///< the head ends with the label of the first block
    Id block = 0;
  };

  static void append(Section &section, Opcode opcode, Ids operands);
  Id unique(Opcode opcode, Ids operands, bool hasType);
  Id extendedSet();

  Id bound = 1, extended = 0;
  std::set<uint32_t> capabilities;
  std::map<std::vector<uint32_t>, Id> known;
  Section entryPoints, executionModes, strings, decorations, globals, finished;
  std::vector<Function> functions;
};

} // namespace gradus
