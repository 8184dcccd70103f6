/** `reflect-metadata`, for bundlers, which need an import that they see. */
import 'reflect-metadata/lite'
