// The default theme, with the fonts of the reader's system, and with code in the banner of the front page.
import { useData } from 'vitepress'
import DefaultTheme from 'vitepress/theme-without-fonts'
import { h } from 'vue'
import './style.css'

export default {
  extends: DefaultTheme,
  Layout() {
    const { frontmatter } = useData()
    const example = () => h('div', { class: 'example vp-doc', innerHTML: frontmatter.value.example })
    return h(DefaultTheme.Layout, null, { 'home-hero-image': example })
  },
}
