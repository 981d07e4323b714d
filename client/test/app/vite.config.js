import { defineConfig } from 'vite';

export default defineConfig({
  base: '/app/',
  build: {
    outDir: '../../../target/client-app',
    emptyOutDir: true,
    rollupOptions: { input: ['react.html', 'vue.html'] },
  },
});
