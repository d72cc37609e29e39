//===- FilesTest.cpp - The archive, the depfile, and all files at once --------------===//

#include "test/codegen/emit/Sample.h"

#include <gtest/gtest.h>

#include <fstream>

using namespace emit_test;
namespace fs = std::filesystem;

static std::string read(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

static size_t countFiles(const fs::path &folder) {
  return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
}

TEST(Files, appearTogether) {
  Folder folder("together");
  std::string error;
  ASSERT_TRUE(gradus::writeFiles({{folder / "new/a", "one"}, {folder / "new/b", "two"}}, error)) << error;
  EXPECT_EQ(read(folder / "new/a"), "one");
  EXPECT_EQ(read(folder / "new/b"), "two");
  EXPECT_EQ(countFiles(folder.path / "new"), 2u);
}

TEST(Files, leaveNothingAfterAFailure) {
  Folder folder("failure");
  fs::create_directory(folder / "b");
  std::ofstream(folder / "file") << "x";
  std::string error;
  EXPECT_FALSE(gradus::writeFiles({{folder / "a", "one"}, {folder / "b", "two"}}, error));
  EXPECT_EQ(error, "cannot write '" + (folder / "b") + "': it is a folder");
  EXPECT_FALSE(gradus::writeFiles({{folder / "a", "one"}, {folder / "file/c", "two"}}, error));
  EXPECT_NE(error.find("cannot"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder / "a"));
  EXPECT_EQ(countFiles(folder.path), 2u);
}

TEST(Files, depfileEscapesPaths) {
  EXPECT_EQ(gradus::renderDepfile({"out/a.h", "out/a.a"}, {"my spec.grad", "$x#.grad"}),
            "out/a.h out/a.a: \\\n  my\\ spec.grad \\\n  $$x\\#.grad\n");
}

TEST(Files, archiveIsDeterministic) {
  std::string error;
  std::string const one = gradus::renderArchive("walk.o", std::string(100, 'x'), error);
  EXPECT_EQ(error, "");
  EXPECT_EQ(one.substr(0, 8), "!<arch>\n");
  EXPECT_EQ(gradus::renderArchive("walk.o", std::string(100, 'x'), error), one);
}
