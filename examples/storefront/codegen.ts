import type { CodegenConfig } from "@graphql-codegen/cli";

// Types of the shop's answers, made from what the shop promises its clients.
const config: CodegenConfig = {
  schema: "../../schema/public.graphql",
  documents: ["src/**/*.{ts,tsx}", "!src/gql/**"],
  generates: {
    "src/gql/": {
      preset: "client",
      presetConfig: { fragmentMasking: false },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        strictScalars: true,
        scalars: { DateTime: "string", JSON: "unknown" },
      },
    },
  },
};

export default config;
